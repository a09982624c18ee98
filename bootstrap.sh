#!/bin/sh
# Turns this machine into a node and proves it; or takes everything away again. `bootstrap.sh --help` tells more.
#
# Needs a shell, Python 3.11 and apt. Ansible gets a virtual environment of its own in /opt/orlop/ansible, made from
# requirements/ansible.txt; where nothing may stay (--check, --remove) and there is none yet, in a temporary directory.
set -eu

usage() {
  cat <<'HELP'
Turn this machine into a Kubernetes node that runs the orlop container runtime, and prove it with a pod.

  ./bootstrap.sh [--image REF] [--check] [--diff] [-- ARGUMENTS]
  ./bootstrap.sh --remove [--check]

  --image REF   prove the node with this image instead of one that is made on the spot
  --check       change nothing; tell what would be changed
  --diff        show the difference of each file
  --remove      take away everything that was written to this machine, by the record kept on it;
                distribution packages stay and are listed
  --help        this text
  ARGUMENTS     for ansible-playbook, such as: --extra-vars '{"orlop_node": {"kubernetes": "1.36"}}'

Environment:
  ORLOP_PYTHON  the interpreter to use, 3.11 or newer (default: /usr/bin/python3)
HELP
}

say() { printf '%s\n' "$*"; }
fail() { printf 'bootstrap.sh: %s\n' "$*" >&2; exit 1; }

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
home=/opt/orlop/ansible
python=${ORLOP_PYTHON:-/usr/bin/python3}
locked=$here/requirements/ansible.txt
playbook=node
check=no
image=

while [ $# -gt 0 ]; do
  case $1 in
    --image) [ $# -ge 2 ] || fail "--image needs a reference"; image=$2; shift ;;
    --image=*) image=${1#--image=} ;;
    --check) check=yes ;;
    --diff) diff=--diff ;;
    --remove) playbook=reset ;;
    --help | -h) usage; exit 0 ;;
    --) shift; break ;;
    *) usage >&2; fail "unknown option: $1" ;;
  esac
  shift
done

[ "$(id -u)" = 0 ] || fail "a node is set up by root: run it as root, or with sudo"
[ -x "$python" ] || fail "$python is missing: apt-get install python3, or name another interpreter as ORLOP_PYTHON"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "$python is older than Python 3.11"
command -v apt-get >/dev/null || fail "there is no apt-get here: this command knows Debian and its kin only"

# Everything that this run needs only while it runs.
scratch=$(mktemp -d "${TMPDIR:-/tmp}/orlop-bootstrap.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM HUP

# The stamp holds what the environment was made from: another one means that it is made anew.
stamp() { { "$python" -c 'import sys; print(sys.version)'; cat "$locked"; } | sha256sum; }
is_current() { [ "$(cat "$1/stamp" 2>/dev/null)" = "$(stamp)" ]; }

# pip from Debian's package of its wheel: a bare Debian has no pip, and nothing gets installed for it this way.
fetch_pip() {
  mkdir "$scratch/pip" "$scratch/lists"
  (
    cd "$scratch/pip"
    # Neither lists nor caches of the system are written, so that --check changes nothing.
    set -- -qq -o APT::Sandbox::User=root -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
    apt-get "$@" download python3-pip-whl 2>/dev/null || {
      apt-get "$@" -o Dir::State::lists="$scratch/lists" update
      apt-get "$@" -o Dir::State::lists="$scratch/lists" download python3-pip-whl
    }
    dpkg -x python3-pip-whl_*.deb .
  ) || fail "pip cannot be fetched: look at what apt-get said above"
}

make_environment() {
  say "Making an environment for Ansible in $1"
  rm -rf "$1"
  mkdir -p "$(dirname "$1")"
  "$python" -m venv --without-pip "$1"
  fetch_pip
  set -- "$1" "$scratch"/pip/usr/share/python-wheels/pip-*.whl
  "$1/bin/python" "$2/pip" -q --no-cache-dir install --no-index "$2"
  "$1/bin/python" -m pip -q --disable-pip-version-check --no-cache-dir install --require-hashes -r "$locked" ||
    fail "Ansible cannot be installed: look at what pip said above"
  stamp >"$1/stamp"
}

if is_current "$home"; then
  environment=$home
elif [ "$check" = yes ] || [ "$playbook" = reset ]; then
  environment=$scratch/ansible
  make_environment "$environment"
else
  environment=$home
  make_environment "$environment"
fi

# The interpreter is told: searching PATH may end at a version manager's stand-in.
set -- --inventory localhost, --connection local --extra-vars "ansible_python_interpreter=$python" \
  --extra-vars "orlop_build_dir=$scratch/build" "$@" "$here/playbooks/$playbook.yml"
[ "$check" = no ] || set -- --check "$@"
[ -z "${diff:-}" ] || set -- "$diff" "$@"
[ -z "$image" ] || set -- --extra-vars "verify_image=$image" "$@"

# Nothing outside of the scratch directory: no compiled modules in the checkout, no caches in root's home.
export PATH="$environment/bin:$PATH" PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1
export ANSIBLE_CONFIG="$here/ansible.cfg" ANSIBLE_HOME="$scratch/home" ANSIBLE_REMOTE_TMP="$scratch/remote"
export ANSIBLE_LOCAL_TEMP="$scratch/local"
ansible-playbook "$@"

if [ "$playbook" = reset ] && [ "$check" = no ]; then
  rm -rf "$home"
  rmdir /opt/orlop 2>/dev/null || true
fi
