# One machine that runs pods for whoever asks the daemon: crictl, or a kubelet of your own. No cluster.
{
  services.orlop = {
    enable = true;
    kubernetes = "1.37";
    network = {
      provider = "bridge";
      pod_cidrs = [ "10.90.0.0/16" ];
    };
    settings.registries."registry.internal:5000".plain_http = true;
  };
}
