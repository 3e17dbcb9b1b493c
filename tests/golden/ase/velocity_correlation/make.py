"""Velocity autocorrelation and vibrational density of states of an extXYZ file: frames read by ASE, correlation by numpy's
FFT, spectrum by numpy's inverse real FFT of the mirrored, windowed correlation. python make.py"""
import numpy as np
from ase.data import atomic_masses
from ase.io import read

frames = read("../../../../examples/li15si4/li15si4_900K.extxyz", index=":")
velocity = np.array([frame.arrays["vel"] for frame in frames])
numbers = frames[0].numbers
spacing_fs, lags = 2.0, 51
light_cm_per_fs = 2.99792458e-5


def correlation(v, weight):
    n = len(v)
    power = np.abs(np.fft.rfft(v, n=2 * n, axis=0)) ** 2
    products = np.fft.irfft(power, n=2 * n, axis=0)[:lags]
    per_lag = np.einsum("tic,i->t", products, weight) / weight.sum()
    return per_lag / (n - np.arange(lags))


def spectrum(c):
    last = len(c) - 1
    windowed = c / c[0] * np.cos(0.5 * np.pi * np.arange(last + 1) / last) ** 2
    mirrored = np.concatenate([windowed, windowed[-2:0:-1]])
    density_fs = 2 * spacing_fs * np.fft.rfft(mirrored).real
    return np.arange(last + 1) / (2 * last * spacing_fs) / light_cm_per_fs, density_fs * light_cm_per_fs


li = numbers == 3
c = correlation(velocity[:, li], np.ones(li.sum()))
frequency, density = spectrum(correlation(velocity, atomic_masses[numbers]))
with open("expected.txt", "w") as out:
    out.write("# lag_fs vacf_Li_ang2_fs2 frequency_per_cm vdos_all_cm\n")
    for row in zip(np.arange(lags) * spacing_fs, c, frequency, density):
        out.write(" ".join("%.12e" % x for x in row) + "\n")
