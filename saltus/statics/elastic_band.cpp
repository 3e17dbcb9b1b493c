#include "saltus/statics/elastic_band.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

namespace {

using Points = std::vector<Vec3>;

constexpr double least_displacement_ang = 1e-3;  // of the atom that moves most, between the ends
constexpr double pair_reach_ang = 6;             // of distances that shape the first path

double product(std::span<const Vec3> a, std::span<const Vec3> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += dot(a[i], b[i]);
  return sum;
}

double distance(std::span<const Vec3> a, std::span<const Vec3> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += norm2(a[i] - b[i]);
  return std::sqrt(sum);
}

void check(const Frame& start, const Frame& end, const BandSettings& s) {
  const auto require = [](bool holds, const std::string& what) {
    if (!holds) throw Error(ErrorKind::usage, "nudged elastic band: " + what);
  };
  require(start.atoms && end.atoms && start.size() > 0, "the ends need atoms");
  require(start.size() == end.size() && start.atoms->atomic_number == end.atoms->atomic_number, "the ends must have the same atoms in the same order");
  const double scale = norm(start.cell.rows_ang()[0]) + norm(start.cell.rows_ang()[1]) + norm(start.cell.rows_ang()[2]);
  for (int a = 0; a < 3; ++a)
    require(norm(start.cell.rows_ang()[a] - end.cell.rows_ang()[a]) <= 1e-6 * scale && start.cell.periodic() == end.cell.periodic(), "the ends must have the same cell");
  require(s.images >= 1 && s.images <= 1000, "1 to 1000 images between the ends");
  require(s.spring_ev_ang2 > 0 && s.force_tolerance_ev_ang > 0 && s.climb_below_ev_ang > 0, "spring and tolerances must be positive");
  double most = 0;
  for (std::size_t i = 0; i < start.size(); ++i) most = std::max(most, norm(start.cell.minimum_image(end.position_ang[i] - start.position_ang[i])));
  require(most >= least_displacement_ang, fmt::format("the ends are one configuration: no atom moves by more than {:g} Å", least_displacement_ang));
}

// Positions of images one after another; ends included.
Points linear_path(const Frame& start, const Frame& end, std::size_t images) {
  const std::size_t n = start.size();
  Points path((images + 2) * n);
  for (std::size_t i = 0; i < n; ++i) {
    const Vec3 way = start.cell.minimum_image(end.position_ang[i] - start.position_ang[i]);
    for (std::size_t k = 0; k < images + 2; ++k)
      path[k * n + i] = start.position_ang[i] + (static_cast<double>(k) / static_cast<double>(images + 1)) * way;
  }
  return path;
}

// Tangents, and what the band makes of forces, for images between the ends.
class Nudge {
 public:
  Nudge(std::size_t n, double spring) : n_(n), spring_(spring) {}

  Points tangent(const Points& path, const std::vector<double>& energy, std::size_t k) const {
    Points ahead(n_), behind(n_);
    for (std::size_t i = 0; i < n_; ++i) {
      ahead[i] = path[(k + 1) * n_ + i] - path[k * n_ + i];
      behind[i] = path[k * n_ + i] - path[(k - 1) * n_ + i];
    }
    const double up = energy[k + 1] - energy[k], down = energy[k - 1] - energy[k];
    double a = 0, b = 0;
    if (up > 0 && down < 0) a = 1;
    else if (up < 0 && down > 0) b = 1;
    else {
      const double most = std::max(std::abs(up), std::abs(down)), least = std::min(std::abs(up), std::abs(down));
      a = energy[k + 1] > energy[k - 1] ? most : least;
      b = energy[k + 1] > energy[k - 1] ? least : most;
      if (!(a + b > 0)) a = b = 1;
    }
    Points t(n_);
    for (std::size_t i = 0; i < n_; ++i) t[i] = a * ahead[i] + b * behind[i];
    const double length = std::sqrt(product(t, t));
    if (length > 0)
      for (Vec3& v : t) v *= 1 / length;
    return t;
  }

  // `climbing` 0: none. The force of image k in place.
  void apply(const Points& path, const std::vector<double>& energy, std::size_t k, std::size_t climbing, std::span<Vec3> force) const {
    const Points t = tangent(path, energy, k);
    double along = -product(force, t);
    if (k == climbing) along *= 2;
    else {
      const std::span<const Vec3> all(path);
      along += spring_ * (distance(all.subspan((k + 1) * n_, n_), all.subspan(k * n_, n_)) - distance(all.subspan(k * n_, n_), all.subspan((k - 1) * n_, n_)));
    }
    for (std::size_t i = 0; i < n_; ++i) force[i] += along * t[i];
  }

 private:
  std::size_t n_;
  double spring_;
};

double largest(std::span<const Vec3> forces) {
  double most = 0;
  for (const Vec3& f : forces) most = std::max(most, norm2(f));
  return std::sqrt(most);
}

Points pair_distance_path(const Frame& start, Points path, const BandSettings& settings) {
  const std::size_t n = start.size(), images = settings.images;
  struct Distance {
    std::size_t i, j;
    double target_ang;
  };
  // Pairs near each other on the straight way of this image, with distances between those of the ends.
  std::vector<std::vector<Distance>> pairs(images + 2);
  const auto between = [&](std::size_t k, std::size_t i, std::size_t j) { return norm(start.cell.minimum_image(path[k * n + j] - path[k * n + i])); };
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = i + 1; j < n; ++j) {
      const double first = between(0, i, j), last = between(images + 1, i, j);
      for (std::size_t k = 1; k <= images; ++k) {
        const double part = static_cast<double>(k) / static_cast<double>(images + 1);
        const double target = (1 - part) * first + part * last;
        if (std::min(target, between(k, i, j)) < pair_reach_ang) pairs[k].push_back({i, j, target});
      }
    }
  const Nudge nudge(n, settings.spring_ev_ang2);
  Points moving(path.begin() + static_cast<std::ptrdiff_t>(n), path.end() - static_cast<std::ptrdiff_t>(n));
  std::vector<double> energy(images + 2, 0);
  double force = 0;
  const Objective objective = [&](std::span<const Vec3> x, std::span<Vec3> gradient) {
    std::copy(x.begin(), x.end(), path.begin() + static_cast<std::ptrdiff_t>(n));
    std::fill(gradient.begin(), gradient.end(), Vec3{});
    for (std::size_t k = 1; k <= images; ++k) {
      energy[k] = 0;
      for (const Distance& pair : pairs[k]) {
        const Vec3 d = start.cell.minimum_image(path[k * n + pair.j] - path[k * n + pair.i]);
        const double r = std::max(norm(d), 0.1), miss = r - pair.target_ang, weight = 1 / (r * r * r * r);
        energy[k] += weight * miss * miss;
        const Vec3 slope = (2 * weight * miss * (1 - 2 * miss / r) / r) * d;
        gradient[(k - 1) * n + pair.j] -= slope;
        gradient[(k - 1) * n + pair.i] += slope;
      }
    }
    for (std::size_t k = 1; k <= images; ++k) nudge.apply(path, energy, k, 0, gradient.subspan((k - 1) * n, n));
    force = largest(gradient);
    for (Vec3& g : gradient) g *= -1;
    return 0.0;
  };
  minimize(objective, moving, {.method = Minimizer::fire, .largest_step_ang = 0.1, .max_iterations = 300}, [&](std::size_t) { return force < 1e-3; });
  std::copy(moving.begin(), moving.end(), path.begin() + static_cast<std::ptrdiff_t>(n));
  return path;
}

std::vector<Frame> frames_of(const Frame& start, const Points& path) {
  const std::size_t n = start.size();
  std::vector<Frame> frames(path.size() / n);
  for (std::size_t k = 0; k < frames.size(); ++k) {
    frames[k].atoms = start.atoms;
    frames[k].cell = start.cell;
    frames[k].position_ang.assign(path.begin() + static_cast<std::ptrdiff_t>(k * n), path.begin() + static_cast<std::ptrdiff_t>((k + 1) * n));
    frames[k].step = static_cast<std::int64_t>(k);
  }
  return frames;
}

Points begin_path(const Frame& start, const Frame& end, const BandSettings& settings) {
  check(start, end, settings);
  Points path = linear_path(start, end, settings.images);
  return settings.first_path == FirstPath::linear ? path : pair_distance_path(start, std::move(path), settings);
}

}  // namespace

std::vector<Frame> first_path(const Frame& start, const Frame& end, const BandSettings& settings) { return frames_of(start, begin_path(start, end, settings)); }

Band find_path(const Frame& start, const Frame& end, const Potential& potential, const BandSettings& settings, const Progress& progress) {
  Points path = begin_path(start, end, settings);
  const std::size_t n = start.size(), images = settings.images;
  Band band;
  std::vector<double> energy(images + 2);
  std::vector<Evaluation> of_end(2), evaluation(images);
  Workspace of_ends, of_images;
  of_images.skin_ang = 0.3;
  {
    Points ends(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(n));
    ends.insert(ends.end(), path.end() - static_cast<std::ptrdiff_t>(n), path.end());
    const std::vector<Cell> cells(2, start.cell);
    potential.evaluate({start.atoms.get(), cells, ends}, {}, of_ends, of_end);
    energy.front() = of_end[0].energy_ev;
    energy.back() = of_end[1].energy_ev;
  }
  const std::vector<Cell> cells(images, start.cell);
  const Nudge nudge(n, settings.spring_ev_ang2);
  std::size_t climbing = 0;
  const auto highest_between = [&] { return static_cast<std::size_t>(std::max_element(energy.begin() + 1, energy.end() - 1) - energy.begin()); };
  Points moving(path.begin() + static_cast<std::ptrdiff_t>(n), path.end() - static_cast<std::ptrdiff_t>(n));
  const Objective objective = [&](std::span<const Vec3> x, std::span<Vec3> gradient) {
    std::copy(x.begin(), x.end(), path.begin() + static_cast<std::ptrdiff_t>(n));
    potential.evaluate({start.atoms.get(), cells, x}, {}, of_images, evaluation);
    for (std::size_t k = 1; k <= images; ++k) {
      energy[k] = evaluation[k - 1].energy_ev;
      std::copy(evaluation[k - 1].force_ev_ang.begin(), evaluation[k - 1].force_ev_ang.end(), gradient.begin() + static_cast<std::ptrdiff_t>((k - 1) * n));
    }
    if (band.climbed) {
      climbing = highest_between();
      if (energy[climbing] <= std::max(energy.front(), energy.back())) climbing = 0;  // no barrier to climb
    }
    for (std::size_t k = 1; k <= images; ++k) nudge.apply(path, energy, k, climbing, gradient.subspan((k - 1) * n, n));
    band.largest_force_ev_ang = largest(gradient);
    for (Vec3& g : gradient) g *= -1;
    return 0.0;
  };
  const Converged converged = [&](std::size_t iterations) {
    if (progress)
      progress({"elastic band", static_cast<double>(iterations), static_cast<double>(settings.minimizer.max_iterations), fmt::format("{:.3g} eV/Å", band.largest_force_ev_ang), "iterations"});
    const bool done = band.largest_force_ev_ang <= settings.force_tolerance_ev_ang;
    if (settings.climb && !band.climbed && (done || band.largest_force_ev_ang <= settings.climb_below_ev_ang)) {
      band.climbed = true;
      return false;
    }
    return done;
  };
  const MinimizerEnd ended = minimize(objective, moving, settings.minimizer, converged);
  band.converged = ended.converged;
  band.iterations = ended.iterations;
  band.evaluations = ended.evaluations * images + 2;
  band.image = frames_of(start, path);
  for (std::size_t k = 0; k < images + 2; ++k) {
    const Evaluation& e = k == 0 ? of_end[0] : k > images ? of_end[1] : evaluation[k - 1];
    band.image[k].energy_ev = e.energy_ev;
    band.image[k].force_ev_ang = e.force_ev_ang;
  }
  band.distance_ang.assign(images + 2, 0);
  for (std::size_t k = 1; k < images + 2; ++k) band.distance_ang[k] = band.distance_ang[k - 1] + distance(band.image[k].position_ang, band.image[k - 1].position_ang);
  band.highest = static_cast<std::size_t>(std::max_element(energy.begin(), energy.end()) - energy.begin());
  return band;
}

}  // namespace saltus
