#!/bin/bash
# Makes every table and picture of docs/performance.md, on a quiet machine in about ten minutes, and puts them there;
# needs root.
#
#   tests/bench/all.sh [DIR] [option of bench.sh …]      results in DIR/runc and DIR/crun; default .cache/bench
#
# Where test.sh has built the current CNI plugins all targets use them, with nftables, and orlop is measured a second
# time with network.in_process.
set -euo pipefail
cd "$(dirname "$0")/../.."
output=.cache/bench
if (($#)) && [[ $1 != -* ]]; then
  output=$1
  shift
fi
plugins=$PWD/.cache/bin/cni
if [[ -x $plugins/bridge ]]; then
  set -- --plugins "$plugins" --nftables "$@"
fi

# Debian 12's crun does not take the newer specification that current builds of the peers write: with crun the peer is
# Debian's containerd.
others=()
skip=0
for word in "$@"; do
  if ((skip)); then
    skip=0
  elif [[ $word == --crio || $word == --containerd ]]; then
    skip=1
  else
    others+=("$word")
  fi
done

tests/bench/bench.sh --output "$output/runc" --rounds 30 --parallel-rounds 30 --populations 20,50,200 --idle-seconds 5 \
  --pull-mib 740 --pull-files 27000 --pull-rounds 2 --packed "$@"
tests/bench/bench.sh --output "$output/crun" --handler crun --rounds 20 --parallel-rounds 5 --starts 0 --written-pods 0 \
  --populations '' --recorded 0 --pull-mib 0 --waterfall 0 ${others[@]+"${others[@]}"}
PYTHONPATH=runtime:. "${PYTHON:-.venv/bin/python}" -m tests.bench.publish "$output"
echo "docs/performance.md has the results now"
