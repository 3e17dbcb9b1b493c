#!/bin/sh
# The results of this folder: carriers on a half-filled simple cubic lattice whose jumps have rates 10/ps exp(-0.35 eV/kT).
#   examples/transport/make.sh build/release/bin/saltus
set -e
saltus=$(realpath "$1")
cd "$(dirname "$0")"
run() { # NAME KELVIN CELLS RATE_PER_PS EVERY_PS SEED
  file=$1.h5md
  time_ps=$(awk "BEGIN {print 10000 * $5}")
  "$saltus" simulate lattice-gas sc --cells "$3,$3,$3" --concentration 0.5 --rate-per-ps "$4" --every-ps "$5" --time-ps "$time_ps" \
    --seed "$6" --trajectory "$file" --quiet >/dev/null
  "$saltus" analyze msd "$file" --species Li --temperature-kelvin "$2" --json --quiet >"$1.json"
  rm -rf "$file"
}
run 600K 600 6 0.01148496 1 1
run 750K 750 6 0.04447374 0.25 2
run 900K 900 6 0.10966960 0.1 3
run 900K_large 900 10 0.10966960 0.1 4
