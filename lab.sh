#!/bin/bash
# A real Kubernetes cluster of lab nodes on this machine, made by the playbooks: docs/lab.md.
#
#   ./lab.sh bundle [--minor 1.36]                             build Kubernetes' programs and pack the images
#   ./lab.sh up [--minor 1.36] [--cni flannel] [--nodes 2]     make the cluster
#   ./lab.sh prove                                             prove it, and write a transcript
#   ./lab.sh enter lab-node-1 kubectl get nodes                a command in a node, or a shell
#   ./lab.sh down                                              remove everything
#   ./lab.sh --help                                            all verbs
set -euo pipefail
cd "$(dirname "$0")"

# The environment of ./test.sh, made here where there is none yet.
stamp=.venv/requirements.sha256
if [[ ! -e $stamp ]]; then
  printf '== making .venv from requirements/test.txt\n'
  "${PYTHON:-python3}" -m venv .venv
  .venv/bin/pip install -q --disable-pip-version-check --require-hashes -r requirements/test.txt
  sha256sum requirements/test.txt >"$stamp"
fi
export PATH="$PWD/.venv/bin:$PATH:/usr/local/go/bin" PYTHONPATH="runtime:." PYTHONDONTWRITEBYTECODE=1
exec .venv/bin/python -m tests.lab "$@"
