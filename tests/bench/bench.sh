#!/bin/bash
# Compares orlop with other CRI runtimes on this machine; needs root. See docs/performance.md.
#
#   tests/bench/bench.sh                                     orlop against Debian's containerd package
#   tests/bench/bench.sh --target crio=unix:///run/crio/crio.sock --image IMAGE   against a runtime that is running
#   tests/bench/bench.sh --handler crun --rounds 50          every option: --help
#
# PYTHON names an interpreter that has requirements/test.txt; by default the environment that test.sh makes.
set -euo pipefail
cd "$(dirname "$0")/../.."

python=${PYTHON:-.venv/bin/python}
if ! command -v "$python" >/dev/null; then
  echo "no $python here: run ./test.sh once, which makes it, or set PYTHON" >&2
  exit 2
fi
export PYTHONPATH="runtime:." PYTHONDONTWRITEBYTECODE=1
exec "$python" -m tests.bench.main "$@"
