# A node from the lab profile with crictl, an image without a registry, and what crictl makes a pod and a container of.
{ pkgs, ... }:
{
  imports = [
    ../../modules
    ../../profiles/lab.nix
  ];
  nixpkgs.overlays = [ (import ../../overlay.nix) ];
  environment.systemPackages = [ pkgs.cri-tools ];
  virtualisation.memorySize = 2048;
  environment.etc = {
    "test/image.tar".source = pkgs.dockerTools.buildImage {
      name = "localhost/busybox";
      tag = "test";
      copyToRoot = [ pkgs.busybox ];
    };
    "test/pod.json".text = builtins.toJSON {
      metadata = {
        name = "pod";
        namespace = "test";
        uid = "1";
      };
      log_directory = "/tmp";
      linux.security_context.namespace_options.pid = 1;
    };
    "test/container.json".text = builtins.toJSON {
      metadata.name = "main";
      image.image = "localhost/busybox:test";
      command = [
        "/bin/sleep"
        "3600"
      ];
      linux.security_context.namespace_options.pid = 1;
    };
  };
}
