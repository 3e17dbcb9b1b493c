#include "saltus/runs/network_file.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/text.hpp"

namespace saltus::runs {

namespace {

using Json = nlohmann::ordered_json;
using kinetics::SiteJump;
using kinetics::SiteNetwork;

constexpr std::uintmax_t largest_file = 256u << 20;
constexpr int deepest = 8;

[[noreturn]] void fail(const std::string& place, const std::string& message) {
  throw Error(ErrorKind::format, place + ": " + message);
}

/// Text of a file for a message: shortened, and without what a terminal could take for more than letters.
std::string in_quotes(std::string_view text) {
  std::string shown(text.substr(0, 60));
  for (char& c : shown)
    if (static_cast<unsigned char>(c) < 32 || static_cast<unsigned char>(c) > 126) c = '?';
  return fmt::format("'{}{}'", shown, text.size() > 60 ? "…" : "");
}

Json parse_json(std::string_view text, const std::string& name) {
  std::vector<std::set<std::string>> keys;
  const auto watch = [&](int depth, nlohmann::json::parse_event_t event, Json& value) {
    using Event = nlohmann::json::parse_event_t;
    if (depth > deepest) fail(name, fmt::format("nested deeper than {}: not a network", deepest));
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key && !keys.back().insert(value.get<std::string>()).second)
      fail(name, "the key " + in_quotes(value.get<std::string>()) + " stands twice in one object");
    return true;
  };
  try {
    return Json::parse(text.begin(), text.end(), watch);
  } catch (const nlohmann::json::exception& error) {
    std::string what = error.what();
    what = what.substr(what.find("] ") == std::string::npos ? 0 : what.find("] ") + 2);
    for (char& c : what)
      if (static_cast<unsigned char>(c) < 32 || static_cast<unsigned char>(c) > 126) c = '?';
    fail(name, "not JSON: " + what.substr(0, 300));
  }
}

void check_keys(const Json& object, const std::string& place, const std::vector<std::string>& known) {
  if (!object.is_object()) fail(place, "expected an object {…}");
  for (const auto& [key, value] : object.items())
    if (std::find(known.begin(), known.end(), key) == known.end())
      fail(place, "unknown key " + in_quotes(key) + did_you_mean(key.substr(0, 40), known) + "; there are " + join(known));
}

const Json* member(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

double number_of(const Json& value, const std::string& place) {
  if (!value.is_number()) fail(place, "expected a number");
  const double number = value.get<double>();
  if (!std::isfinite(number)) fail(place, "the number is not finite");
  return number;
}

int index_of(const Json& value, const std::string& place) {
  if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<std::uint64_t>() > std::numeric_limits<int>::max()))
    fail(place, "expected a whole number");
  const auto number = value.get<std::int64_t>();
  if (number > 1'000'000'000 || number < -1'000'000'000) fail(place, fmt::format("{} is out of range", number));
  return static_cast<int>(number);
}

const Json& three(const Json& value, const std::string& place) {
  if (!value.is_array() || value.size() != 3) fail(place, "expected three values [a, b, c]");
  return value;
}

Vec3 vector_of(const Json& value, const std::string& place) {
  three(value, place);
  return {number_of(value[0], place), number_of(value[1], place), number_of(value[2], place)};
}

Mat3 cell_of(const Json& value, const std::string& place) {
  three(value, place);
  Mat3 rows;
  for (std::size_t k = 0; k < 3; ++k) rows[static_cast<int>(k)] = vector_of(value[k], fmt::format("{}[{}]", place, k));
  const double edges = norm(rows[0]) * norm(rows[1]) * norm(rows[2]);
  if (!std::isfinite(edges) || !(std::abs(determinant(rows)) > 1e-9 * edges))
    fail(place, "the lattice vectors are not independent");
  return rows;
}

void read_sites(const Json& sites, const std::string& place, SiteNetwork& network) {
  if (!sites.is_array() || sites.empty()) fail(place, "expected a list of at least one site");
  network.n_sites = static_cast<int>(sites.size());
  for (std::size_t k = 0; k < sites.size(); ++k) {
    const std::string here = fmt::format("{}[{}]", place, k);
    check_keys(sites[k], here, {"position_ang", "probability", "label"});
    if (const Json* position = member(sites[k], "position_ang"))
      network.position_ang.push_back(vector_of(*position, here + ".position_ang"));
    if (const Json* probability = member(sites[k], "probability"))
      network.probability.push_back(number_of(*probability, here + ".probability"));
    if (const Json* label = member(sites[k], "label"); label && !label->is_string()) fail(here + ".label", "expected text");
  }
  for (const auto& [have, what] :
       {std::pair{network.position_ang.size(), "position_ang"}, std::pair{network.probability.size(), "probability"}})
    if (have != 0 && have != sites.size())
      fail(place, fmt::format("{} of {} sites have {}; give it to all, or to none", have, sites.size(), what));
}

SiteJump jump_of(const Json& value, const std::string& place, const SiteNetwork& network) {
  const char* weight = network.lag ? "probability" : "rate_per_ps";
  check_keys(value, place, {"from", "to", "image", "displacement_ang", weight, "count"});
  SiteJump jump;
  for (const auto& [key, index] : {std::pair{"from", &jump.from}, std::pair{"to", &jump.to}}) {
    const Json* site = member(value, key);
    if (!site) fail(place, fmt::format("'{}' is missing", key));
    *index = index_of(*site, place + "." + key);
    if (*index < 0 || *index >= network.n_sites)
      fail(place + "." + key, fmt::format("there is no site {}; the {} sites are counted from 0", *index, network.n_sites));
  }
  const Json* w = member(value, weight);
  if (!w) fail(place, fmt::format("'{}' is missing", weight));
  jump.weight = number_of(*w, place + "." + weight);
  if (jump.weight < 0) fail(place + "." + weight, fmt::format("must not be negative, found {}", jump.weight));
  if (const Json* count = member(value, "count")) jump.count = number_of(*count, place + ".count");
  const Json *image = member(value, "image"), *displacement = member(value, "displacement_ang");
  if (!image == !displacement) fail(place, "give either 'image' or 'displacement_ang'");
  if (displacement) {
    jump.displacement_ang = vector_of(*displacement, place + ".displacement_ang");
    return jump;
  }
  if (!network.cell_rows_ang || network.position_ang.empty())
    fail(place + ".image", "an image needs cell_ang and the position_ang of the sites; or give 'displacement_ang'");
  three(*image, place + ".image");
  jump.image = Int3{};
  for (std::size_t x = 0; x < 3; ++x) (*jump.image)[x] = index_of((*image)[x], place + ".image");
  const Int3& r = *jump.image;
  jump.displacement_ang = network.position_ang[static_cast<std::size_t>(jump.to)] -
                          network.position_ang[static_cast<std::size_t>(jump.from)] +
                          Vec3{double(r[0]), double(r[1]), double(r[2])} * *network.cell_rows_ang;
  return jump;
}

Json json_of(const Vec3& v) { return {v.x, v.y, v.z}; }

}  // namespace

SiteNetwork parse_network(std::string_view text, const std::string& name) {
  if (text.size() > largest_file)
    throw Error(ErrorKind::unsupported, fmt::format("{}: {} bytes; networks may have at most {} MiB", name, text.size(), largest_file >> 20));
  const Json document = parse_json(text, name);
  check_keys(document, name, {"cell_ang", "lag_ps", "sites", "jumps", "comment"});
  SiteNetwork network;
  if (const Json* cell = member(document, "cell_ang")) network.cell_rows_ang = cell_of(*cell, name + ": cell_ang");
  if (const Json* lag = member(document, "lag_ps")) {
    network.lag = number_of(*lag, name + ": lag_ps");
    if (!(*network.lag > 0)) fail(name + ": lag_ps", "must be positive");
  }
  if (const Json* comment = member(document, "comment"); comment && !comment->is_string()) fail(name + ": comment", "expected text");
  const Json *sites = member(document, "sites"), *jumps = member(document, "jumps");
  if (!sites) fail(name, "'sites' is missing");
  if (!jumps) fail(name, "'jumps' is missing");
  read_sites(*sites, name + ": sites", network);
  if (!jumps->is_array() || jumps->empty()) fail(name + ": jumps", "expected a list of at least one jump");
  for (std::size_t k = 0; k < jumps->size(); ++k)
    network.jumps.push_back(jump_of((*jumps)[k], fmt::format("{}: jumps[{}]", name, k), network));
  return network;
}

SiteNetwork read_network(const std::filesystem::path& path) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (!error && size > largest_file)
    throw Error(ErrorKind::unsupported,
                fmt::format("{}: {} bytes; networks may have at most {} MiB", path.string(), size, largest_file >> 20));
  return parse_network(read_file(path), path.string());
}

std::string network_text(const SiteNetwork& network, const std::string& comment) {
  // A line per site and jump: people read and edit these files.
  std::string text = "{\n";
  if (!comment.empty()) text += fmt::format("  \"comment\": {},\n", Json(comment).dump(-1, ' ', false, Json::error_handler_t::replace));
  Json cell = nullptr;
  if (network.cell_rows_ang)
    cell = {json_of((*network.cell_rows_ang)[0]), json_of((*network.cell_rows_ang)[1]), json_of((*network.cell_rows_ang)[2])};
  text += "  \"cell_ang\": " + cell.dump() + ",\n";
  if (network.lag) text += "  \"lag_ps\": " + Json(*network.lag).dump() + ",\n";
  text += "  \"sites\": [";
  for (int site = 0; site < network.n_sites; ++site) {
    const auto s = static_cast<std::size_t>(site);
    Json row = Json::object();
    row["position_ang"] = network.position_ang.empty() ? Json(nullptr) : json_of(network.position_ang[s]);
    if (!network.probability.empty()) row["probability"] = network.probability[s];
    text += (site == 0 ? "\n    " : ",\n    ") + row.dump();
  }
  text += "\n  ],\n  \"jumps\": [";
  bool images = network.cell_rows_ang.has_value() && !network.position_ang.empty();
  for (const SiteJump& jump : network.jumps) images = images && jump.image;
  for (std::size_t k = 0; k < network.jumps.size(); ++k) {
    const SiteJump& jump = network.jumps[k];
    Json row{{"from", jump.from}, {"to", jump.to}};
    if (images) row["image"] = *jump.image;
    else row["displacement_ang"] = json_of(jump.displacement_ang);
    row[network.lag ? "probability" : "rate_per_ps"] = jump.weight;
    if (jump.count) row["count"] = *jump.count;
    text += (k == 0 ? "\n    " : ",\n    ") + row.dump();
  }
  return text + "\n  ]\n}\n";
}

kinetics::ConnectedNetwork connect_network(const SiteNetwork& network, const std::string& name) {
  try {
    return kinetics::connect(network);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::usage) throw Error(ErrorKind::format, name + ": " + error.what());
    throw with_place(error, name);
  }
}

}  // namespace saltus::runs
