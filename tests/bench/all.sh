#!/bin/bash
# Makes every table and picture of docs/performance.md, on a quiet machine in about a quarter of an hour, and puts them
# there; needs root, and what test.sh has built and unpacked.
#
#   tests/bench/all.sh [DIR] [option of bench.sh …]      results in DIR/runc and DIR/crun; default .cache/bench
#
# All targets use the current CNI plugins, with nftables; orlop is measured a second time with network.in_process.
set -euo pipefail
cd "$(dirname "$0")/../.."
output=.cache/bench
if (($#)) && [[ $1 != -* ]]; then
  output=$1
  shift
fi
python=${PYTHON:-.venv/bin/python}
export PYTHONPATH=runtime:.
set -- --plugins "$PWD/.cache/bin/cni" --nftables "$@"

# Debian 12's crun does not take the newer specification that current builds of the peers write: the next Debian's does.
mkdir -p "$output/bin"
"$python" - "$output/bin/crun" <<'END'
import sys
from pathlib import Path

from tests.parts import trixie

trixie.linked("usr/bin/crun", Path(sys.argv[1]))
END

tests/bench/bench.sh --output "$output/runc" --rounds 30 --parallel-rounds 30 --populations 20,50,200 --idle-seconds 5 \
  --pull-mib 740 --pull-files 27000 --pull-rounds 2 --packed "$@"
PATH=$(realpath "$output/bin"):$PATH tests/bench/bench.sh --output "$output/crun" --handler crun --rounds 20 \
  --parallel-rounds 5 --starts 0 --written-pods 0 --populations '' --recorded 0 --pull-mib 0 --waterfall 0 \
  --transfer-mib 0 "$@"
"$python" -m tests.bench.publish "$output"
echo "docs/performance.md has the results now"
