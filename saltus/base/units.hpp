// Physical constants and unit factors (CODATA 2018). Inside Saltus: Å, fs, eV, amu, e, K.
// A factor is named target_per_source, so that units cancel: value_ev_ang * hartree_bohr_per_ev_ang.
#pragma once

namespace saltus::units {

inline constexpr double boltzmann_ev_per_kelvin = 8.617333262145e-5;
/// Reduced Planck constant, eV fs.
inline constexpr double hbar_ev_fs = 0.6582119569509;
inline constexpr double ev_per_hartree = 27.211386245988;
inline constexpr double ang_per_bohr = 0.529177210903;
inline constexpr double ev_ang_per_hartree_bohr = ev_per_hartree / ang_per_bohr;
/// 1 amu (Å/fs)² in eV.
inline constexpr double ev_per_amu_ang2_fs2 = 103.642696562;
inline constexpr double debye_per_e_ang = 4.803204712570263;
/// Coulomb constant e²/(4 pi eps0) in eV Å.
inline constexpr double coulomb_ev_ang = 14.399645478;
inline constexpr double gpa_per_ev_ang3 = 160.21766208;
inline constexpr double ang_per_nm = 10;
/// 1000 / (96485.33212331 C/mol): per particle, of an energy per mole.
inline constexpr double ev_per_kj_mol = 1e3 / 96485.33212331;
inline constexpr double ev_per_kcal_mol = 4.184 * ev_per_kj_mol;
/// Time unit of CHARMM, Å sqrt(amu/(kcal/mol)), as CHARMM and NAMD write it into DCD files.
inline constexpr double fs_per_akma_time = 48.88821;
inline constexpr double ev_ang3_per_bar = 1e-4 / gpa_per_ev_ang3;
/// The atomic unit of time, hbar per hartree.
inline constexpr double fs_per_atomic_time = 0.024188843265857;
inline constexpr double ang_fs_per_bohr_atomic_time = ang_per_bohr / fs_per_atomic_time;
inline constexpr double fs_per_ps = 1e3;
inline constexpr double fs_per_ns = 1e6;
inline constexpr double cm2_s_per_ang2_ps = 1e-4;
/// Speed of light in cm/fs: a frequency in 1/fs over it is a wavenumber in 1/cm.
inline constexpr double light_cm_per_fs = 2.99792458e-5;
inline constexpr double mev_per_ev = 1e3;
inline constexpr double ev_per_joule = 1 / 1.602176634e-19;
inline constexpr double particles_per_mole = 6.02214076e23;
inline constexpr double amu_per_gram = 1 / 1.66053906660e-24;

}  // namespace saltus::units
