#!/bin/sh
# sh clients.sh NAME N [INPUT]: starts N CP2K clients of the unix socket /tmp/ipi_NAME and waits for them; they end with the server.
# Each has a folder of its own, clients/SESSION-K; SESSION counts the calls, so that centres of earlier ones stay.
set -eu
name=$1 count=$2 input=$(realpath "${3:-$(dirname "$0")/client.inp}")
session=1
while [ -e "clients/$session-1" ]; do session=$((session + 1)); done
tries=0
until grep -q " /tmp/ipi_$name\$" /proc/net/unix; do # CP2K does not wait for the server, and a killed one leaves its file
  tries=$((tries + 1))
  if [ $tries -gt 600 ]; then echo "clients.sh: no server at /tmp/ipi_$name" >&2; exit 1; fi
  sleep 0.1
done
k=1
while [ $k -le "$count" ]; do
  mkdir -p "clients/$session-$k"
  (cd "clients/$session-$k" && OMP_NUM_THREADS=1 exec cp2k.psmp -E SOCKET="$name" -i "$input" -o cp2k.out) &
  k=$((k + 1))
done
wait
