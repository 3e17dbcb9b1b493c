#include "saltus/kinetics/window_exits.hpp"

namespace saltus::kinetics {

ExitSums& ExitSums::operator+=(const ExitSums& other) {
  exits += other.exits;
  above += other.above;
  time += other.time;
  time2 += other.time2;
  displacement_ang += other.displacement_ang;
  displacement2_ang2 += other.displacement2_ang2;
  displacement_time_ang += other.displacement_time_ang;
  censored += other.censored;
  censored_time += other.censored_time;
  censored_time2 += other.censored_time2;
  censored_displacement_ang += other.censored_displacement_ang;
  censored_displacement2_ang2 += other.censored_displacement2_ang2;
  censored_displacement_time_ang += other.censored_displacement_time_ang;
  return *this;
}

}  // namespace saltus::kinetics
