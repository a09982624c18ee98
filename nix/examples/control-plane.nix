# The first control plane of a cluster; its network comes as a DaemonSet. Then:
#   kubeadm init --config /etc/kubernetes/orlop/kubeadm-init.yaml
#   kubectl apply -f /etc/kubernetes/orlop/runtime-classes.yaml
{
  imports = [ ../profiles/control-plane.nix ];
  services.orlop = {
    kubernetes = "1.37";
    cluster = {
      endpoint = "k8s.example.org:6443";
      pod_cidrs = [ "10.244.0.0/16" ];
      proxy_mode = "nftables";
    };
  };
}
