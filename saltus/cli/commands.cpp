#include "saltus/cli/commands.hpp"

#include <array>

namespace saltus::cli {

std::span<const Command> commands() {
  static constexpr std::array table{
      Command{"run", "the whole way of a plan file, resuming what is already done", set_up_run},
      Command{"explain", "a plan as resolved, with defaults and units, before anything runs", set_up_explain},
      Command{"info", "what a trajectory, data set, checkpoint or model file holds", set_up_info},
      Command{"convert", "frames from one format or naming into another", set_up_convert},
      Command{"sample", "equidistant or random frames; train, valid and test by blocks of time", set_up_sample},
      Command{"analyze", "msd, haven, van-hove, rdf, vacf, … of a trajectory; arrhenius of several results", set_up_analyze},
      Command{"sites", "sites of mobile ions and jumps between them; states for msm, rates for network", set_up_sites},
      Command{"msm", "Markov state model of states in time or of counts: timescales, sets, paths", set_up_msm},
      Command{"aimd", "ab initio molecular dynamics by CP2K, watched; the same command again continues it", set_up_aimd},
      Command{"label", "energies and forces of given frames by CP2K, and the cutoff that they need", set_up_label},
      Command{"fit", "a linear atomic cluster expansion from labelled frames", set_up_fit},
      Command{"finetune", "a published model trained further on labelled frames (needs libtorch)", set_up_finetune},
      Command{"distill", "a fast expansion fitted to what another model says of frames that it sampled", set_up_distill},
      Command{"refine", "a plan's potential taken where it is in doubt, labelled by CP2K, trained again", set_up_refine},
      Command{"evaluate", "errors of models on the same labelled frames; what a model says of frames", set_up_evaluate},
      Command{"compare", "several models on the same data and budget, before and after training, on one page", set_up_compare},
      Command{"models", "model files, published ones of five families too: info, list, verify, convert, combine", set_up_models},
      Command{"md", "molecular dynamics with a model; the same command again continues it", set_up_md},
      Command{"pimd", "path-integral MD by ring polymers: quantum averages of atoms or of model systems", set_up_pimd},
      Command{"serve", "energies and forces of a model for a server of the i-PI protocol", set_up_serve},
      Command{"statics", "minima, barriers of hops, elastic constants, equation of state, phonons", set_up_statics},
      Command{"network", "transport from the rates of jumps between sites", set_up_network},
      Command{"propagate", "distributions on many cells of a network, beside the diffusion equation", set_up_propagate},
      Command{"passage", "first passages near a surface, D(z) and F(z)", set_up_passage},
      Command{"simulate", "synthetic dynamics: carriers on a network or lattice, particles on a line", set_up_simulate},
      Command{"runs", "what was run: the registry", set_up_runs},
      Command{"report", "one self-contained HTML page of a run, or its numbers as JSON", set_up_report},
      Command{"job", "a job script for a queue, from a template of your own", set_up_job},
      Command{"completion", "a script that lets a shell complete commands, options and file names", set_up_completion},
      Command{"man", "manual pages, in roff", set_up_man},
  };
  return table;
}

}  // namespace saltus::cli
