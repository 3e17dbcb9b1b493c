"""q-TIP4P/F with Ewald sums, energies, forces and virials of 32 beads of 32 molecules on one thread; ours beside the Fortran routine of i-PI's driver, with no
socket between. Usage: python bench/qtip4pf.py BUILD/bin/bench_qtip4pf I-PI/drivers/f90 [BUILD/bin/saltus]
(needs gfortran and the source of i-PI; CPU time, best of rounds)
The routine of i-PI is of low precision: its sums end where the terms are 1e-5, its erfc is good to 1e-7; ours is right to 1e-6 of the forces.
With saltus also the whole step of path-integral MD, 96 atoms x 32 beads, PILE-G, BAOAB: 'saltus pimd' on one thread beside i-PI (of the Python that runs this)
with its driver (I-PI/drivers/f90/driver.x, made there by its Makefile) over a unix socket. Whole programs, a long run less a short one; CPU time of all
processes and wall time of a step, the least of five rounds each, taken in turn."""
import os
import subprocess
import sys
import tempfile
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

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

INPUT = """
<simulation verbosity='quiet'>
  <output prefix='water'>
    <properties stride='10' filename='out'> [ step, temperature{{kelvin}}, kinetic_cv{{electronvolt}}(H), kinetic_cv{{electronvolt}}(O), potential{{electronvolt}} ] </properties>
  </output>
  <total_steps>{steps}</total_steps>
  <prng><seed>1</seed></prng>
  <ffsocket name='driver' mode='unix' pbc='False'><address>{address}</address></ffsocket>
  <system>
    <initialize nbeads='32'>
      <file mode='xyz' units='angstrom'>start.xyz</file>
      <velocities mode='thermal' units='kelvin'>298</velocities>
    </initialize>
    <forces><force forcefield='driver'/></forces>
    <ensemble><temperature units='kelvin'>298</temperature></ensemble>
    <motion mode='dynamics'>
      <dynamics mode='nvt' splitting='baoab'>
        <timestep units='femtosecond'>0.5</timestep>
        <thermostat mode='pile_g'><tau units='femtosecond'>100</tau><pile_lambda>0.5</pile_lambda></thermostat>
      </dynamics>
    </motion>
  </system>
</simulation>
"""


def seconds_of(folder, commands, socket=None):
    """CPU seconds of all processes and wall seconds; of two commands the second begins when the socket is there."""
    begin, before = time.perf_counter(), os.times()
    with open(os.path.join(folder, "printed"), "w") as printed:
        started = []
        for command in commands:
            while started and not os.path.exists(socket):
                time.sleep(0.01)
            started.append(subprocess.Popen(command, cwd=folder, stdout=printed, stderr=subprocess.STDOUT))
        codes = [process.wait() for process in started]
    if codes[0] != 0:
        sys.exit(open(os.path.join(folder, "printed")).read())
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system, time.perf_counter() - begin


def ipi_seconds(driver, steps):
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "start.xyz"), "w") as file, open(frame) as lines:
            file.write("96\n# CELL(abcABC): 10.26 10.26 10.26 90 90 90 cell{angstrom} positions{angstrom}\n")
            file.write("".join(" ".join(line.split()[:4]) + "\n" for line in list(lines)[2:98]))
        address = f"saltus_bench_{os.getpid()}"
        with open(os.path.join(folder, "ipi.xml"), "w") as file:
            file.write(INPUT.format(steps=steps, address=address))
        server = [os.path.join(os.path.dirname(sys.executable), "i-pi"), "ipi.xml"]
        return seconds_of(folder, [server, [driver, "-u", "-a", address, "-m", "qtip4pf"]], "/tmp/ipi_" + address)


def saltus_seconds(saltus, steps):
    with tempfile.TemporaryDirectory() as folder:
        words = [saltus, "pimd", "--model", "builtin:qtip4pf", "--init", frame, "--temperature-kelvin", "298", "--beads", "32", "--thermostat", "pile_g", "--set", "lambda=0.5"]
        return seconds_of(folder, [words + ["--timestep-fs", "0.5", "--steps", str(steps), "--write-every", "0", "--threads", "1", "--out", "run", "--quiet"]])


def of_a_step(run, short, long):
    """CPU and wall milliseconds."""
    less, more = run(short), run(long)
    return [1e3 * (b - a) / (long - short) for a, b in zip(less, more)]


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
if len(sys.argv) > 3:
    saltus, driver = (os.path.abspath(word) for word in (sys.argv[3], os.path.join(source, "driver.x")))
    theirs, ours = [], []
    for _ in range(rounds):
        theirs.append(of_a_step(lambda steps: ipi_seconds(driver, steps), 20, 120))
        ours.append(of_a_step(lambda steps: saltus_seconds(saltus, steps), 50, 350))
    print(f"{'whole step':<16} {'i-PI+driver, ms':>16} {'Saltus, ms':>12} {'ratio':>8}")
    for name, a, b in zip(("CPU", "wall"), map(min, zip(*theirs)), map(min, zip(*ours))):
        print(f"{name:<16} {a:>16.2f} {b:>12.2f} {a / b:>8.1f}")
