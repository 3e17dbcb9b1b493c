"""Writes double_well.txt: a walk on twelve states of a line with a barrier of four kT between two wells of different depth."""
import math
import random

N, FRAMES = 12, 20000
energy = [4 * math.sin(2 * math.pi * (i - 2) / (N - 1)) ** 2 + 0.08 * i for i in range(N)]
random.seed(1)
state, states = 2, []
for _ in range(FRAMES):
    states.append(state)
    new = state + random.choice((-1, 1))
    if 0 <= new < N and random.random() < math.exp(energy[state] - energy[new]):
        state = new
with open("double_well.txt", "w") as file:
    file.write("# state of one walker, a line per frame; made by make_double_well.py\n")
    file.writelines(f"{s}\n" for s in states)
