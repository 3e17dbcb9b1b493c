#include "saltus/potentials/committee.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/sha256.hpp"
#include "saltus/base/text.hpp"

namespace saltus {

namespace {

constexpr std::size_t most_members = 1000;

struct CommitteeScratch final : Scratch {
  std::vector<std::vector<Evaluation>> of_member;  // [K][B]
};

/// Two sweeps over the members: means, then what is left of them, so that no large numbers cancel.
void combine(const std::vector<std::vector<Evaluation>>& of_member, std::size_t b, std::size_t n, Want want, bool extrapolation, Evaluation& result) {
  const auto members = static_cast<double>(of_member.size());
  result.energy_ev = 0;
  result.force_ev_ang.assign(want.forces ? n : 0, Vec3{});
  result.virial_ev.reset();
  bool virial = want.virial;
  for (const auto& member : of_member) virial = virial && member[b].virial_ev.has_value();
  if (virial) result.virial_ev = Mat3{};
  result.extrapolation.assign(want.extrapolation && extrapolation ? n : 0, 0.0);
  bool atom_energies = want.atom_energies;
  for (const auto& member : of_member) atom_energies = atom_energies && member[b].atom_energy_ev.size() == n;
  result.atom_energy_ev.assign(atom_energies ? n : 0, 0.0);
  for (const auto& member : of_member) {
    const Evaluation& e = member[b];
    result.energy_ev += e.energy_ev / members;
    for (std::size_t i = 0; i < result.force_ev_ang.size(); ++i) result.force_ev_ang[i] += e.force_ev_ang[i] / members;
    if (virial)
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j) (*result.virial_ev)[i][j] += (*e.virial_ev)[i][j] / members;
    for (std::size_t i = 0; i < result.atom_energy_ev.size(); ++i) result.atom_energy_ev[i] += e.atom_energy_ev[i] / members;
    if (e.extrapolation.size() == n)
      for (std::size_t i = 0; i < result.extrapolation.size(); ++i) result.extrapolation[i] = std::max(result.extrapolation[i], e.extrapolation[i]);
  }
  result.energy_spread_ev.reset();
  result.force_spread_ev_ang.clear();
  if (!want.spread) return;
  double square = 0;
  for (const auto& member : of_member) square += (member[b].energy_ev - result.energy_ev) * (member[b].energy_ev - result.energy_ev);
  result.energy_spread_ev = std::sqrt(square / (members - 1));
  result.force_spread_ev_ang.assign(result.force_ev_ang.size(), 0.0);
  for (const auto& member : of_member)
    for (std::size_t i = 0; i < result.force_ev_ang.size(); ++i) result.force_spread_ev_ang[i] += norm2(member[b].force_ev_ang[i] - result.force_ev_ang[i]);
  for (double& s : result.force_spread_ev_ang) s = std::sqrt(s / (members - 1));
}

}  // namespace

Committee::Committee(std::vector<std::unique_ptr<Potential>> members) : members_(std::move(members)) {
  if (members_.size() < 2) throw Error(ErrorKind::usage, "a committee needs two members or more");
  info_ = members_.front()->info();
  const auto sorted = [](std::vector<std::uint8_t> elements) {
    std::sort(elements.begin(), elements.end());
    return elements;
  };
  for (const auto& member : members_) {
    const PotentialInfo& info = member->info();
    if (sorted(info.elements) != sorted(info_.elements)) throw Error(ErrorKind::usage, "the members of a committee must know the same elements");
    info_.conservative = info_.conservative && info.conservative;
    info_.trained_on_stress = info_.trained_on_stress && info.trained_on_stress;
    info_.has_extrapolation = info_.has_extrapolation || info.has_extrapolation;
  }
  info_.kind = "committee";
  info_.has_spread = true;
}

double Committee::cutoff_ang() const {
  double longest = 0;
  for (const auto& member : members_) longest = std::max(longest, member->cutoff_ang());
  return longest;
}

void Committee::evaluate(const Batch& batch, Want want, Workspace& workspace, std::span<Evaluation> results) const {
  auto* scratch = dynamic_cast<CommitteeScratch*>(workspace.scratch.get());
  if (!scratch) {
    workspace.scratch = std::make_unique<CommitteeScratch>();
    scratch = static_cast<CommitteeScratch*>(workspace.scratch.get());
  }
  workspace.children.resize(members_.size());
  scratch->of_member.resize(members_.size());
  for (std::size_t k = 0; k < members_.size(); ++k) {
    Want of_member = want;
    of_member.extrapolation = want.extrapolation && members_[k]->info().has_extrapolation;
    of_member.spread = false;
    workspace.children[k].skin_ang = workspace.skin_ang;
    scratch->of_member[k].resize(batch.count());
    members_[k]->evaluate(batch, of_member, workspace.children[k], scratch->of_member[k]);
  }
  for (std::size_t b = 0; b < batch.count(); ++b)
    combine(scratch->of_member, b, batch.atoms->size(), want, info_.has_extrapolation, results[b]);
}

TensorFile committee_of(const std::vector<TensorFile>& members) {
  if (members.size() < 2) throw Error(ErrorKind::usage, "a committee needs two members or more");
  if (members.size() > most_members) throw Error(ErrorKind::usage, fmt::format("a committee has at most {} members", most_members));
  TensorFile file;
  double cutoff_ang = 0;
  for (std::size_t k = 0; k < members.size(); ++k) {
    if (get_metadata(members[k], "family") == "committee") throw Error(ErrorKind::usage, fmt::format("{}: is a committee itself", members[k].source));
    for (const auto& [name, tensor] : members[k].tensors) file.tensors[fmt::format("{}/{}", k, name)] = tensor;
    for (const auto& [key, value] : members[k].metadata) file.metadata[fmt::format("{}/{}", k, key)] = value;
    if (const auto own = parse_double(get_metadata(members[k], "cutoff_ang"))) cutoff_ang = std::max(cutoff_ang, *own);
  }
  file.metadata["family"] = "committee";
  file.metadata["members"] = std::to_string(members.size());
  for (const char* key : {"units", "species", "training_reference"}) file.metadata[key] = get_metadata(members.front(), key);
  file.metadata["cutoff_ang"] = shortest(cutoff_ang);
  file.metadata["source_hash"] = sha256(safetensors_bytes(file));
  return file;
}

std::vector<TensorFile> members_of(const TensorFile& committee) {
  const std::string& text = get_metadata(committee, "members");
  const auto count = parse_int(text);
  if (!count || *count < 2 || *count > static_cast<std::int64_t>(most_members))
    throw Error(ErrorKind::format, fmt::format("{}: a committee of '{}' members", committee.source, text));
  std::vector<TensorFile> members(static_cast<std::size_t>(*count));
  for (std::size_t k = 0; k < members.size(); ++k) members[k].source = fmt::format("{}, member {}", committee.source, k);
  // Names without the number of a member are the committee's own.
  const auto owner = [&](const std::string& name) -> std::pair<TensorFile*, std::string> {
    const std::size_t slash = name.find('/');
    if (slash == std::string::npos) return {nullptr, {}};
    const auto k = parse_int(name.substr(0, slash));
    if (!k || *k < 0 || *k >= *count) throw Error(ErrorKind::format, fmt::format("{}: '{}' belongs to no member", committee.source, name));
    return {&members[static_cast<std::size_t>(*k)], name.substr(slash + 1)};
  };
  for (const auto& [name, tensor] : committee.tensors) {
    const auto [member, own] = owner(name);
    if (!member) throw Error(ErrorKind::format, fmt::format("{}: tensor '{}' belongs to no member", committee.source, name));
    member->tensors[own] = tensor;
  }
  for (const auto& [key, value] : committee.metadata)
    if (const auto [member, own] = owner(key); member) member->metadata[own] = value;
  return members;
}

}  // namespace saltus
