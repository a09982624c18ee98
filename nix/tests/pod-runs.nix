# A node from the lab profile runs a pod, and the pod outlives a restart of the daemon.
{
  name = "orlop-pod-runs";

  nodes.machine =
    { pkgs, ... }:
    {
      imports = [
        ../modules
        ../profiles/lab.nix
      ];
      nixpkgs.overlays = [ (import ../overlay.nix) ];
      environment.systemPackages = [ pkgs.cri-tools ];
      virtualisation.memorySize = 2048;
      environment.etc."test/image.tar".source = pkgs.dockerTools.buildImage {
        name = "localhost/busybox";
        tag = "test";
        copyToRoot = [ pkgs.busybox ];
      };
      environment.etc."test/pod.json".text = builtins.toJSON {
        metadata = {
          name = "pod";
          namespace = "test";
          uid = "1";
        };
        log_directory = "/tmp";
        linux.security_context.namespace_options.pid = 1;
      };
      environment.etc."test/container.json".text = builtins.toJSON {
        metadata.name = "main";
        image.image = "localhost/busybox:test";
        command = [
          "/bin/sleep"
          "3600"
        ];
        linux.security_context.namespace_options.pid = 1;
      };
    };

  testScript = ''
    machine.wait_for_unit("orlop.service")
    machine.succeed("orlop image import /etc/test/image.tar")
    pod = machine.succeed("crictl runp /etc/test/pod.json").strip()
    container = machine.succeed(f"crictl create {pod} /etc/test/container.json /etc/test/pod.json").strip()
    machine.succeed(f"crictl start {container}")
    assert machine.succeed(f"crictl exec -s {container} echo hello").strip() == "hello"
    machine.succeed("systemctl restart orlop.service")
    assert machine.succeed(f"crictl exec -s {container} echo again").strip() == "again"
    machine.succeed(f"crictl stopp {pod}", f"crictl rmp {pod}")
  '';
}
