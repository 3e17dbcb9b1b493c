// Quantiles and tails of the distributions behind intervals and tests.
#pragma once

namespace saltus::kinetics {

/// Half the width of a 95 % interval of the normal distribution, in standard deviations.
inline constexpr double normal_95 = 1.959963984540054;

/// t with P(|T| <= t) = confidence for Student's distribution with `degrees` >= 1 degrees of freedom.
double student_t(double confidence, int degrees);

/// P(X >= chi2) of the chi-squared distribution with `degrees` >= 1 degrees of freedom; throws Error{usage} for fewer.
double chi_squared_tail(double chi2, int degrees);

}  // namespace saltus::kinetics
