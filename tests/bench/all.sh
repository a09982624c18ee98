#!/bin/bash
# Makes every table and picture of docs/performance.md, on a quiet machine in about ten minutes; needs root.
#
#   tests/bench/all.sh [DIR] [option of bench.sh …]      results in DIR/runc and DIR/crun; default .cache/bench
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
output=.cache/bench
if (($#)) && [[ $1 != -* ]]; then
  output=$1
  shift
fi

"$here/bench.sh" --output "$output/runc" --rounds 30 --parallel-rounds 30 --populations 20,50,200 --idle-seconds 5 \
  --pull-mib 740 --pull-files 27000 "$@"
"$here/bench.sh" --output "$output/crun" --handler crun --rounds 30 --parallel-rounds 10 --starts 0 --written-pods 0 \
  --populations '' --recorded 0 --pull-mib 0 "$@"
