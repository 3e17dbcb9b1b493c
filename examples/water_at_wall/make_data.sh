#!/usr/bin/env bash
# SPC/E water, in bulk and between two smooth walls, by GROMACS (Debian: apt-get install gromacs): 467 molecules at 298 K, frames 0.1 ps apart.
# Writes bulk.gro, bulk.xtc, slit.gro, slit.xtc beside this file; about ten minutes on two cores, one for each system. What is there is not made again.
#
#   examples/water_at_wall/make_data.sh [PICOSECONDS]      of each trajectory, default 800
#
# Water: Berendsen, Grigera, Straatsma, J. Phys. Chem. 91, 6269 (1987). Walls: Lennard-Jones 10-4, of the density of a graphene sheet, epsilon such that water
# wets them. Velocity rescaling with a time of 1 ps leaves diffusion alone; a Langevin thermostat would not. The motion of the centre of mass is not removed:
# molecules move relative to the walls.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
picoseconds=${1:-800}
command -v gmx > /dev/null || { echo "this needs GROMACS: apt-get install gromacs" >&2; exit 3; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat > water.top <<'TOP'
[ defaults ]
1 2 no
[ atomtypes ]
OW   8 15.9994 -0.8476 A 0.316557 0.650194
HW   1  1.008   0.4238 A 0.0      0.0
WALL 6 12.011   0.0    A 0.34     0.36
[ moleculetype ]
SOL 2
[ atoms ]
1 OW 1 SOL OW  1 -0.8476 15.9994
2 HW 1 SOL HW1 1  0.4238  1.008
3 HW 1 SOL HW2 1  0.4238  1.008
[ settles ]
1 1 0.1 0.16330
[ exclusions ]
1 2 3
2 1 3
3 1 2
[ system ]
SPC/E water
[ molecules ]
TOP

# settings SYSTEM STEPS RELAXATION_PS KEEP: KEEP is the number of steps between frames
settings() {
  cat <<MDP
integrator = ${5:-md}
dt = 0.002
nsteps = $2
comm-mode = none
cutoff-scheme = Verlet
nstlist = 20
coulombtype = PME
rcoulomb = 0.9
rvdw = 0.9
tcoupl = v-rescale
tc-grps = System
tau-t = $3
ref-t = 298
ld-seed = 1
nstxout-compressed = $4
compressed-x-precision = 1000
nstlog = 100000
nstenergy = 10000
MDP
  if [ "$1" = slit ]; then
    printf '%s\n' 'pbc = xy' 'nwall = 2' 'wall-type = 10-4' 'wall-atomtype = WALL WALL' 'wall-density = 114 114' 'wall-ewald-zfac = 3' 'ewald-geometry = 3dc'
  fi
}

# make SYSTEM EQUILIBRATION_PS
make() {
  local system=$1 before=start
  if [ -e "$here/$system.xtc" ]; then echo "$system.xtc is there"; return; fi
  gmx -quiet solvate -cs spc216.gro -box 2.2 2.2 3.0 -maxsol 467 -o "$system-box.gro"
  if [ "$system" = bulk ]; then gmx -quiet editconf -f bulk-box.gro -density 998 -o bulk-start.gro
  else gmx -quiet editconf -f slit-box.gro -translate 0 0 0.25 -noc -box 2.2 2.2 3.5 -o slit-start.gro; fi
  { cat water.top; echo "SOL $(grep -c OW "$system-start.gro")"; } > "$system.top"
  settings "$system" 200 0.1 0 steep > "$system-minimum.mdp"
  { settings "$system" $(($2 * 500)) 0.1 0; printf '%s\n' 'gen-vel = yes' 'gen-temp = 298' 'gen-seed = 7'; } > "$system-equilibrium.mdp"
  settings "$system" $((picoseconds * 500)) 1.0 50 > "$system-run.mdp"
  for part in minimum equilibrium run; do
    gmx -quiet grompp -f "$system-$part.mdp" -c "$system-$before.gro" -p "$system.top" -o "$system-$part.tpr" -po "$system-$part-out.mdp" -maxwarn 2
    gmx -quiet mdrun -deffnm "$system-$part" -ntmpi 1 -ntomp 1
    before=$part
  done
  cp "$system-run.gro" "$here/$system.gro"
  mv "$system-run.xtc" "$here/$system.xtc.part" && mv "$here/$system.xtc.part" "$here/$system.xtc"
}

make bulk 50 > bulk.log 2>&1 &
first=$!
make slit 300 > slit.log 2>&1 &
second=$!
status=0
wait $first || { status=1; tail -n 20 bulk.log >&2; }
wait $second || { status=1; tail -n 20 slit.log >&2; }
exit $status
