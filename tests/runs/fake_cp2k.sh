#!/usr/bin/env bash
# Stands for CP2K in tests: springs of 1.2 Å between all atoms, in the files and words that CP2K 2023.1 uses.
# An atom beyond x = 5 Å: the SCF does not converge from an earlier wave function; beyond x = 9 Å: nor from scratch.
# With x > 15 Å the program gives up; FAKE_CP2K_SLEEP slows each step down.
set -eu
if [ "$1" = --version ]; then echo " CP2K version 2023.1"; exit 0; fi
input=$2 output=$4
{
  echo "  ****   PROGRAM STARTED AT   now"
  if [[ $input == label* ]]; then
    scratch=0
    grep -q 'EXTRAPOLATION USE_GUESS' "$input" && scratch=1
    awk -v scratch=$scratch '
      BEGIN { bohr = 0.529177210903; k = 0.05 }
      NF == 1 { n = $1; getline; frame++
        for (i = 1; i <= n; i++) { getline; s[i] = $1; x[i] = $2; y[i] = $3; z[i] = $4 }
        far = -1e9; e = 0
        for (i = 1; i <= n; i++) { if (x[i] > far) far = x[i]; fx[i] = fy[i] = fz[i] = 0 }
        if (far > 15) { print " * [ABORT]\n *  \\___/            the cholesky decomposition failed          *\n ****"; exit 1 }
        for (i = 1; i <= n; i++)
          for (j = i + 1; j <= n; j++) {
            dx = (x[j] - x[i]) / bohr; dy = (y[j] - y[i]) / bohr; dz = (z[j] - z[i]) / bohr
            d = sqrt(dx * dx + dy * dy + dz * dz); pull = k * (d - 1.2 / bohr)
            e += 0.5 * k * (d - 1.2 / bohr) ^ 2
            fx[i] += pull * dx / d; fy[i] += pull * dy / d; fz[i] += pull * dz / d
            fx[j] -= pull * dx / d; fy[j] -= pull * dy / d; fz[j] -= pull * dz / d
          }
        if (far > 9 || (far > 5 && !scratch)) print "  *** WARNING in qs_scf.F :: SCF run NOT converged ***"
        else print "  *** SCF run converged in    9 steps ***"
        printf " ENERGY| Total FORCE_EVAL ( QS ) energy [a.u.]:  %.15f\n", e
        if (frame > 1) print " MD| Step number   " frame
        printf "%8d\n i = %d, time = 0.000, E = %.10f\n", n, frame, e > "label-frc-1.xyz"
        printf "%8d\n i = %d, time = 0.000, E = %.10f\n", n, frame, e > "label-pos-1.xyz"
        for (i = 1; i <= n; i++) {
          printf "%s %.10f %.10f %.10f\n", s[i], fx[i], fy[i], fz[i] > "label-frc-1.xyz"
          printf "%s %.10f %.10f %.10f\n", s[i], x[i], y[i], z[i] > "label-pos-1.xyz"
        }
      }' frames.xyz
  else
    steps=$(awk '$1 == "STEPS" { print $2 }' "$input") first=0
    if grep -q EXT_RESTART "$input"; then first=$(awk '$1 == "STEP_START_VAL" { print $2 }' aimd-1.restart); fi
    coordinates=$(awk '/&COORD/ { on = 1; next } /&END COORD/ { on = 0 } on { printf "%s %.10f %.10f %.10f\n", $1, $2, $3, $4 }' "$input")
    atoms=$(wc -l <<<"$coordinates")
    zeros=$(awk '{ print $1, "0.0 0.0 0.0" }' <<<"$coordinates")
    step=$first
    while :; do
      sleep "${FAKE_CP2K_SLEEP:-0}"
      echo "  *** SCF run converged in    9 steps ***"
      echo " ENERGY| Total FORCE_EVAL ( QS ) energy [a.u.]:  -1.5"
      if ((step > first)); then echo " MD| Step number   $step"; fi
      if ((step > first || first == 0)); then
        head="$(printf '%8d\n i = %d, time = %s, E = -1.5000000000' "$atoms" "$step" "$step")"
        printf '%s\n%s\n' "$head" "$coordinates" >>aimd-pos-1.xyz
        printf '%s\n%s\n' "$head" "$zeros" >>aimd-frc-1.xyz
        printf '&EXT\n STEP_START_VAL %d\n&END FORCE_EVAL\n' "$step" >aimd-1.restart
      fi
      ((step < first + steps)) || break
      step=$((step + 1))
    done
  fi
  echo "  ****   PROGRAM ENDED AT   now"
} >>"$output"
