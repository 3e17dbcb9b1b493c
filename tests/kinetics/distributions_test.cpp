#include "saltus/kinetics/distributions.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"

namespace saltus::kinetics {
namespace {

// Tables of Student's distribution; one and two degrees of freedom in closed form.
TEST(Distributions, StudentQuantiles) {
  EXPECT_NEAR(student_t(0.95, 1), std::tan(0.95 * std::acos(-1.0) / 2), 1e-10);
  EXPECT_NEAR(student_t(0.95, 2), 0.95 * std::sqrt(2 / (1 - 0.95 * 0.95)), 1e-11);
  EXPECT_NEAR(student_t(0.95, 4), 2.7764451, 1e-7);
  EXPECT_NEAR(student_t(0.95, 9), 2.2621572, 1e-7);
  EXPECT_NEAR(student_t(0.99, 10), 3.1692727, 1e-7);
  EXPECT_NEAR(student_t(0.5, 9), 0.7027221, 1e-7);
  EXPECT_NEAR(student_t(0.95, 100000), 1.9599877, 1e-6);
  EXPECT_THROW(student_t(1, 5), Error);
}

// Abramowitz and Stegun, table 26.8: the values of chi2 with a tail of 5 % and 0.1 %.
TEST(Distributions, ChiSquaredTails) {
  const double five[] = {3.84146, 5.99147, 7.81473, 9.48773}, one_in_a_thousand[] = {10.828, 13.816, 16.266, 18.467};
  for (int k = 0; k < 4; ++k) {
    EXPECT_NEAR(chi_squared_tail(five[k], k + 1), 0.05, 1e-6);
    EXPECT_NEAR(chi_squared_tail(one_in_a_thousand[k], k + 1), 0.001, 1e-6);
  }
  EXPECT_NEAR(chi_squared_tail(124.342, 100), 0.05, 1e-5);
  EXPECT_NEAR(chi_squared_tail(123.225, 99), 0.05, 1e-5);
  for (const double x : {0.1, 3.0, 40.0}) EXPECT_NEAR(chi_squared_tail(x, 2), std::exp(-x / 2), 1e-14);
  EXPECT_EQ(chi_squared_tail(0, 3), 1);
  EXPECT_THROW(chi_squared_tail(1, 0), Error);
}

}  // namespace
}  // namespace saltus::kinetics
