// The stages of a plan, one function each; the body of each is in NAME_stage.cpp.
#pragma once

#include "saltus/runs/plan.hpp"
#include "saltus/runs/stage.hpp"

namespace saltus::runs {

/// data-NAME: reads the set through, checks that it can be trained on, says what it holds.
Stage data_stage(const Plan& plan, const DataSettings& settings);

/// model: a model file that is there → model.safetensors.
Stage model_stage(const Plan& plan);

/// finetune: the model trained on all data sets → model.safetensors, learning curve, errors on held-out test blocks before and after.
/// The training itself is done by saltus-train, the program that has libtorch.
Stage finetune_stage(const Plan& plan);

/// distill: frames sampled and labelled by the model → an expansion fitted to them, errors against the model and of both against the data.
Stage distill_stage(const Plan& plan);

/// Name of the stage whose model.safetensors a distillation learns from.
std::string teacher_stage(const Plan& plan);

/// Name of the stage whose model.safetensors the simulations use.
std::string potential_stage(const Plan& plan);

/// fit: all data sets → model.safetensors, errors on train, validation and held-out test blocks.
Stage fit_stage(const Plan& plan);

/// refine: the fit, or a committee of fine-tuned models, taken further with labels by CP2K where it is in doubt → model.safetensors, rounds with their errors.
Stage refine_stage(const Plan& plan);

/// md-NAME: the simulation as a folder (molecular_dynamics.hpp); continues where it was interrupted.
Stage md_stage(const Plan& plan, const MdSettings& settings);

/// pimd-NAME: the path-integral simulation as a folder (ring_dynamics.hpp); continues where it was interrupted.
Stage pimd_stage(const Plan& plan, const PimdSettings& settings);

/// proton-NAME: shared protons of path-integral runs and files, side by side: free energies, spread, isotope effects.
Stage proton_stage(const Plan& plan, const ProtonSettings& settings);

/// wannier-NAME: Wannier centres of AIMD: distances, and how short hydrogen bonds share electrons.
Stage wannier_stage(const Plan& plan, const CentresSettings& settings);

/// kinetics-NAME: trajectory of a simulation or of a file → framework check → MSD and its D → sites → jumps → Markov models and their D.
Stage kinetics_stage(const Plan& plan, const KineticsSettings& settings);

/// passage-NAME: coordinates of molecules of a simulation, a file or an array → first exits → D(z), F(z) and whether they may be believed.
Stage passage_stage(const Plan& plan, const FirstPassageSettings& settings);

/// arrhenius-NAME: D of several kinetics stages → activation energy and D at other temperatures, by each route.
Stage arrhenius_stage(const Plan& plan, const ArrheniusSettings& settings);

}  // namespace saltus::runs
