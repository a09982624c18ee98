#!/bin/bash
# Installs what the tests need and runs them all; ends with pytest's closing line.
#
#   ./test.sh                    every tier
#   ./test.sh lint unit          some tiers: lint, unit, nix, parity, lab, integration, conformance, molecule
#   ./test.sh -k name -x         everything else goes to pytest as it is
#   ORLOP_REQUIRE_GO=1           the conformance tier must run; without it, a machine without Go is told so
#   ORLOP_NO_INSTALL=1           install no distribution package
set -euo pipefail
cd "$(dirname "$0")"

packages=(
  apparmor
  busybox-static catatonit conmon conntrack containerd containernetworking-plugins crun docker-registry gcc gpg gpg-agent
  gpgv iproute2 iptables libc6-dev libseccomp-dev mmdebstrap nftables nix-bin openssl patchelf pkg-config procps python3-venv
  runc shellcheck slirp4netns util-linux zstd
)

say() { printf '== %s\n' "$*"; }

install_packages() {
  local missing=()
  for name in "${packages[@]}"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || missing+=("$name")
  done
  ((${#missing[@]})) || return 0
  say "installing ${missing[*]}"
  # Debian starts a package's service when it is installed, unless this file says no.
  local policy=/usr/sbin/policy-rc.d
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod +x $policy
    # The path is known now and never changes.
    # shellcheck disable=SC2064
    trap "rm -f $policy" EXIT
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
}

make_environment() {
  local stamp=.venv/requirements.sha256
  sha256sum --check --status "$stamp" 2>/dev/null && return
  say "making .venv from requirements/test.txt"
  rm -rf .venv
  "${PYTHON:-python3}" -m venv .venv
  .venv/bin/pip install -q --disable-pip-version-check --require-hashes -r requirements/test.txt
  sha256sum requirements/test.txt >"$stamp"
}

build_crictl() {
  if ! command -v go >/dev/null; then
    [[ ${ORLOP_REQUIRE_GO:-} != 1 ]] || { say "Go is required (ORLOP_REQUIRE_GO=1) and not here" >&2; exit 1; }
    say "no Go here: the conformance tier and the networks' tests on current plugins and flannel are NOT run"
    return
  fi
  # The Go client decides what is up to date; a second call takes a fraction of a second.
  local bin=$PWD/.cache/bin
  go build -C tests/conformance -o "$bin/crictl" sigs.k8s.io/cri-tools/cmd/crictl
  build_runc
  build_gvisor
  build_networks
  build_nri_plugins
  if ((!${#tiers[@]})) || [[ " ${tiers[*]} " == *" tests/conformance "* ]]; then
    CGO_ENABLED=0 go build -C tests/conformance -o "$bin/nonewprivs" ./nonewprivs
    go test -C tests/conformance -c -o "$bin/critest" sigs.k8s.io/cri-tools/cmd/critest
    fetch_image_packages
  fi
}

# A newer runc than Debian's, which has what its own has not.
build_runc() {
  if ! pkg-config --exists libseccomp; then
    [[ ${ORLOP_REQUIRE_GO:-} != 1 ]] || { say "libseccomp-dev and pkg-config are required and not here" >&2; exit 1; }
    say "no libseccomp-dev or no pkg-config here: tests with a newer runc are NOT run"
    return
  fi
  go build -C tests/parts/runc -tags seccomp -o "$PWD/.cache/bin/runc-new" github.com/opencontainers/runc
}

# gVisor: its runtime, which must be static, and its shim.
build_gvisor() {
  CGO_ENABLED=0 go build -C tests/parts/gvisor -o "$PWD/.cache/bin/runsc" gvisor.dev/gvisor/runsc
  CGO_ENABLED=0 go build -C tests/parts/gvisor -o "$PWD/.cache/bin/containerd-shim-runsc-v1" gvisor.dev/gvisor/shim
}

# Debian packages whose programs go into the images that critest pulls; they are not installed.
fetch_image_packages() {
  local list=$PWD/tests/conformance/packages.txt directory=$PWD/.cache/debs names
  cmp -s "$list" "$directory/list" && return
  mapfile -t names < <(grep -v '^#' "$list")
  say "fetching ${#names[@]} packages for the conformance suite's images"
  rm -rf "$directory"
  mkdir -p "$directory"
  # The package lists may be older than the archive.
  (
    cd "$directory"
    apt-get download -qq "${names[@]}" || { apt-get update -qq && apt-get download -qq "${names[@]}"; }
  ) 2> >(grep -v unsandboxed >&2)
  cp "$list" "$directory/list"
}

# Current reference plugins beside Debian's, and flannel with what it needs: for the networks' tests.
build_networks() {
  local bin=$PWD/.cache/bin
  mkdir -p "$bin/cni"
  go build -C tests/parts/plugins -o "$bin/cni/" tool
  go build -C tests/parts/flannel-cni -o "$bin/cni/" tool
  go build -C tests/parts/cilium-cni -o "$bin/cni/" github.com/cilium/cilium/plugins/cilium-cni
  go build -C tests/parts/flannel -o "$bin/flanneld" github.com/flannel-io/flannel
  go build -C tests/parts/etcd -o "$bin/etcd" go.etcd.io/etcd/server/v3
}

# A plugin of NRI on the library that plugins are built with: its newest version, and one that knows StateChange alone.
build_nri_plugins() {
  go build -C tests/parts/nri -o "$PWD/.cache/bin/nri-plugin" .
  go build -C tests/parts/nri -modfile=old.mod -tags old -o "$PWD/.cache/bin/nri-plugin-old" .
}

# Programs of the next Debian with their libraries, unpacked beside the system: CRIU 4, for Debian 12's 3.17 does not run
# on new kernels; and a second crun.
fetch_trixie() {
  [[ ! -d .cache/trixie/root && $(dpkg --print-architecture) == amd64 ]] || return 0
  local mirror
  # The format is apt's.
  # shellcheck disable=SC2016
  mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | awk '/debian/ && !found { print; found = 1 }')
  say "fetching CRIU 4 and a newer crun"
  rm -rf .cache/trixie .cache/criu
  mkdir -p .cache/trixie
  if mmdebstrap --quiet --mode=root --variant=extract --include=criu,crun trixie .cache/trixie/new "$mirror" \
    2>.cache/trixie/log; then
    mv .cache/trixie/new .cache/trixie/root
  else
    say "they cannot be had (.cache/trixie/log): tests of checkpoints and of two versions of crun are NOT run"
  fi
}

tiers=()
options=()
for word in "$@"; do
  if [[ -d tests/$word && $word != */* ]]; then tiers+=("tests/$word"); else options+=("$word"); fi
done

if [[ $(id -u) == 0 && ${ORLOP_NO_INSTALL:-} != 1 ]]; then
  install_packages
  fetch_trixie
fi
make_environment
build_crictl

export PATH="$PWD/.venv/bin:$PATH" PYTHONDONTWRITEBYTECODE=1
# The closing line of pytest is the last one.
exec .venv/bin/pytest "${tiers[@]}" "${options[@]}"
