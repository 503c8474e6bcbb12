#include "conversion/rounding.hpp"

#include <algorithm>
#include <cmath>

#include "conversion/gram.hpp"
#include "conversion/parallel.hpp"

namespace syn {
namespace {

// Shares of the mean variance that are added to every input's: what few samples say of rare inputs is not believed.
constexpr double kRoundRidge = 0.001;
constexpr double kRefitRidge = 0.05;
constexpr std::size_t kBlock = 8;  // inputs a task
constexpr std::size_t kRun = 256;  // samples

double dot(const double* a, const double* b, std::size_t n) {
  // Eight sums, so that additions need not wait for each other; always the same eight.
  double sums[8] = {0, 0, 0, 0, 0, 0, 0, 0};
  std::size_t k = 0;
  for (; k + 8 <= n; k += 8) {
    for (std::size_t m = 0; m < 8; ++m) sums[m] += a[k + m] * b[k + m];
  }
  for (; k < n; ++k) sums[0] += a[k] * b[k];
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

// Values as whole numbers, at most Rows::kGreatest of them after `scale`, a power of two.
struct Fixed {
  Rows rows;
  double scale;
  std::vector<double> mean;
};

// `value(s, i)`: of sample s, input i.
template <class Value>
Fixed fixed(std::size_t inputs, std::size_t samples, std::uint32_t threads, const Value& value) {
  std::vector<float> greatest(inputs);
  parallel_blocks(inputs, kBlock, threads, [&](std::size_t, std::size_t begin, std::size_t end) {
    for (std::size_t s = 0; s < samples; ++s) {
      for (std::size_t i = begin; i < end; ++i) greatest[i] = std::max(greatest[i], std::abs(value(s, i)));
    }
  });
  const double most = inputs == 0 ? 0 : *std::ranges::max_element(greatest);
  Fixed out{Rows(inputs, samples), 1, std::vector<double>(inputs)};
  while (most * out.scale > Rows::kGreatest) out.scale /= 2;
  while (most > 0 && most * out.scale * 2 <= Rows::kGreatest) out.scale *= 2;
  parallel_blocks(inputs, kBlock, threads, [&](std::size_t, std::size_t begin, std::size_t end) {
    const auto scale = static_cast<float>(out.scale);
    std::vector<std::int64_t> sums(end - begin);
    // So many samples at a time that what is written stays in the first cache.
    for (std::size_t first = 0; first < samples; first += kRun) {
      for (std::size_t i = begin; i < end; ++i) {
        const auto row = out.rows[i];
        for (std::size_t s = first; s < std::min(samples, first + kRun); ++s) {
          const float v = value(s, i) * scale;
          row[s] = static_cast<std::int16_t>(v < 0 ? v - 0.5f : v + 0.5f);
          sums[i - begin] += row[s];
        }
      }
    }
    for (std::size_t i = begin; i < end; ++i) {
      out.mean[i] =
          static_cast<double>(sums[i - begin]) / out.scale / static_cast<double>(std::max<std::size_t>(1, samples));
    }
  });
  return out;
}

// The covariances of a's rows with b's: all, or the lower triangle.
std::vector<double> covariances(const Fixed& a, const Fixed& b, bool lower, std::uint32_t threads) {
  const std::size_t n = a.rows.count;
  std::vector<std::int64_t> products(n * n);
  std::vector<double> out(products.size());
  const double count = static_cast<double>(std::max<std::size_t>(1, a.rows.length)), scale = a.scale * b.scale;
  parallel_blocks(n, kBlock, threads, [&](std::size_t, std::size_t begin, std::size_t end) {
    const std::size_t columns = lower ? end : n;
    multiply_rows(a.rows, begin, end, b.rows, columns, products);
    for (std::size_t i = begin; i < end; ++i) {
      for (std::size_t j = 0; j < columns; ++j) {
        const std::size_t at = i * n + j;
        out[at] = static_cast<double>(products[at]) / scale / count - a.mean[i] * b.mean[j];
      }
    }
  });
  return out;
}

}  // namespace

Moments::Moments(const Patches& patches, std::size_t first, std::size_t stride, std::uint32_t threads) {
  const std::size_t n = (patches.inputs - first + stride - 1) / stride, samples = patches.samples();
  const auto at = [&](std::size_t s, std::size_t i) { return s * patches.inputs + first + i * stride; };
  const Fixed counts =
      fixed(n, samples, threads, [&](std::size_t s, std::size_t i) { return patches.counts[at(s, i)]; });
  mean_ = counts.mean;
  wanted_mean_ = counts.mean;
  covariance_ = covariances(counts, counts, true, threads);
  if (!patches.wanted.empty()) {
    const Fixed missing = fixed(n, samples, threads, [&](std::size_t s, std::size_t i) {
      return patches.wanted[at(s, i)] - patches.counts[at(s, i)];
    });
    for (std::size_t i = 0; i < n; ++i) wanted_mean_[i] += missing.mean[i];
    missing_ = covariances(counts, missing, false, threads);
    refit_lower_ = factor(kRefitRidge);
  }
  lower_ = factor(kRoundRidge);
}

std::vector<double> Moments::factor(double ridge) const {
  const std::size_t n = inputs();
  double trace = 0;
  for (std::size_t i = 0; i < n; ++i) trace += covariance_[i * n + i];
  const double more = ridge * trace / static_cast<double>(n) + 1e-12;
  std::vector<double> l(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      const double sum = covariance_[i * n + j] + (i == j ? more : 0) - dot(&l[i * n], &l[j * n], j);
      l[i * n + j] = i == j ? std::sqrt(std::max(sum, more)) : sum / l[j * n + j];
    }
  }
  return l;
}

void Moments::refit(std::span<double> weights) const {
  if (missing_.empty()) return;
  const std::size_t n = inputs();
  const std::vector<double>& l = refit_lower_;
  std::vector<double> move(n);
  for (std::size_t i = 0; i < n; ++i) move[i] = dot(&missing_[i * inputs()], weights.data(), inputs());
  for (std::size_t i = 0; i < n; ++i) move[i] = (move[i] - dot(&l[i * n], move.data(), i)) / l[i * n + i];
  for (std::size_t i = n; i-- > 0;) {
    move[i] /= l[i * n + i];
    for (std::size_t k = 0; k < i; ++k) move[k] -= l[i * n + k] * move[i];
  }
  for (std::size_t i = 0; i < n; ++i) weights[i] += move[i];
}

// With C = L L^T the squared error of a sum is the sum over k of (L_kk e_k + sum over i > k of L_ik e_i)^2: from the
// last input to the first, each rounding makes its own term least.
double Moments::round(std::span<const double> weights, double unit, std::span<std::int8_t> rounded) const {
  const std::size_t n = inputs();
  std::vector<double> carried(n);  // sum over i > k of L_ik e_i
  double square = 0;
  for (std::size_t k = n; k-- > 0;) {
    const double* row = &lower_[k * n];
    const double exact = weights[k] / unit;
    const double whole = std::clamp(std::floor(exact + carried[k] / row[k] + 0.5), -127., 127.);
    rounded[k] = static_cast<std::int8_t>(whole);
    const double error = exact - whole, left = carried[k] + row[k] * error;
    square += left * left;
    for (std::size_t j = 0; j < k; ++j) carried[j] += row[j] * error;
  }
  return square;
}

}  // namespace syn
