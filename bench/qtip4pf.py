"""q-TIP4P/F with Ewald sums, energies, forces and virials of 32 beads of 32 molecules on one thread; ours beside the Fortran routine of i-PI's driver, with no
socket between. Usage: python bench/qtip4pf.py BUILD/bin/bench_qtip4pf I-PI/drivers/f90        (needs gfortran and the source of i-PI; CPU time, best of rounds)
The routine of i-PI is of low precision: its sums end where the terms are 1e-5, its erfc is good to 1e-7; ours is right to 1e-6 of the forces."""
import os
import subprocess
import sys
import tempfile

MAIN = """
program time_it
  implicit none
  integer, parameter :: n = 96, calls = 320
  real(8) :: box(3), r(n,3), f(n,3), v, vir(3,3), begin, finish
  integer :: i, k
  open(10, file='positions.txt')
  do i = 1, n
    read(10,*) r(i,:)
  end do
  box = 10.26d0 / 0.529177210903d0
  r = r / 0.529177210903d0
  call cpu_time(begin)
  do k = 1, calls
    r(:,1) = r(:,1) + 1d-3 * (-1)**k
    call qtip4pf(box, r, n, f, v, vir)
  end do
  call cpu_time(finish)
  write(*,*) 1d3 * (finish - begin) / calls
end program
"""

program, source = (os.path.abspath(word) for word in sys.argv[1:3])
frame = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../examples/path_integrals/water_32.extxyz")
beads, rounds = 32, 5
theirs, ours = [], []
with tempfile.TemporaryDirectory() as folder:
    with open(os.path.join(folder, "main.f90"), "w") as file:
        file.write(MAIN)
    with open(os.path.join(folder, "positions.txt"), "w") as file, open(frame) as lines:
        file.write("\n".join(" ".join(line.split()[1:4]) for line in list(lines)[2:]) + "\n")
    flags = ["-O3", "-ffree-line-length-none", "-Wno-maybe-uninitialized"]  # those of its Makefile
    subprocess.run(["gfortran", *flags, os.path.join(source, "pes/qtip4pf.f90"), "main.f90", "-o", "time_it"], cwd=folder, check=True)
    for _ in range(rounds):
        theirs.append(beads * float(subprocess.run(["./time_it"], cwd=folder, capture_output=True, text=True, check=True).stdout))
        ours.append(float(subprocess.run([program, "--milliseconds", str(beads), "20"], capture_output=True, text=True, check=True).stdout))
print(f"{'beads x atoms':<16} {'i-PI driver, ms':>16} {'Saltus, ms':>12} {'ratio':>8}")
print(f"{f'{beads} x 96':<16} {min(theirs):>16.2f} {min(ours):>12.2f} {min(theirs) / min(ours):>8.1f}")
