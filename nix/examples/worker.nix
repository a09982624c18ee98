# A worker. Bring /etc/kubernetes/discovery.conf to it (a kubeconfig with the cluster's CA), then:
#   kubeadm join --config /etc/kubernetes/orlop/kubeadm-join.yaml
{
  imports = [ ../profiles/worker.nix ];
  services.orlop = {
    kubernetes = "1.37";
    member.labels.disk = "ssd";
    handlers = {
      runc = { };
      kata = {
        type = "shim";
        path = "/opt/kata/bin/containerd-shim-kata-v2";
      };
    };
    kubelet = {
      maxPods = 200;
      systemReserved.memory = "1Gi";
    };
  };
}
