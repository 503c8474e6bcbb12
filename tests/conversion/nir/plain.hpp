// NIR's equations by forward Euler, node by node and sum by sum, as plainly as they can be written: the twin that the
// lowering and the float engine are compared with. Only what random_graph() makes.
#pragma once

#include <cmath>
#include <map>

#include "conversion/nir/check.hpp"
#include "core/assert.hpp"

namespace syn::testing {

class Plain {
 public:
  Plain(const nir::Graph& graph, double dt) : shapes_(*nir::check(graph)), dt_(dt) {
    values_.resize(shapes_.places.size());
    state_.resize(shapes_.places.size());
    for (std::size_t i = 0; i < values_.size(); ++i) {
      values_[i].assign(static_cast<std::size_t>(nir::elements(shapes_.places[i].out)), 0);
      state_[i] = {std::vector<double>(values_[i].size()), std::vector<double>(values_[i].size())};
    }
    before_ = values_;
  }

  std::vector<double> step(const std::vector<double>& input) {
    before_ = values_;
    // Delays give what they got steps ago (here never 0), so they come first, wherever they stand.
    for (std::size_t i = 0; i < shapes_.places.size(); ++i) {
      if (const auto* p = std::get_if<nir::Delay>(&shapes_.places[i].node->primitive)) {
        const auto& all = inputs_[i];
        for (std::size_t k = 0; k < values_[i].size(); ++k) {
          const auto steps = static_cast<std::size_t>(std::round(at(p->delay, shapes_.places[i], k) / dt_));
          values_[i][k] = steps <= all.size() ? all[all.size() - steps][k] : 0;
        }
      }
    }
    for (std::size_t i = 0; i < shapes_.places.size(); ++i) {
      const auto& place = shapes_.places[i];
      std::vector<double> in(static_cast<std::size_t>(nir::elements(place.in)), 0);
      if (i == shapes_.inputs[0]) in = input;
      for (const auto& link : shapes_.links) {
        if (link.to != i) continue;
        const auto& from = link.back ? before_[link.from] : values_[link.from];
        for (std::size_t k = 0; k < in.size(); ++k) in[k] += from[k];
      }
      inputs_[i].push_back(in);
      values_[i] = std::visit([&](const auto& p) { return run(p, i, place, in); }, place.node->primitive);
    }
    return values_[shapes_.outputs[0]];
  }

 private:
  using Values = std::vector<double>;
  using Place = nir::Shapes::Place;

  Values run(const nir::Affine& p, std::size_t, const Place&, const Values& in) {
    return matrix(p.weight, &p.bias, in);
  }
  Values run(const nir::Linear& p, std::size_t, const Place&, const Values& in) {
    return matrix(p.weight, nullptr, in);
  }
  Values run(const nir::Scale& p, std::size_t, const Place& place, const Values& in) {
    return each(in, [&](double x, std::size_t k) { return x * at(p.scale, place, k); });
  }
  Values run(const nir::Threshold& p, std::size_t, const Place& place, const Values& in) {
    return each(in, [&](double x, std::size_t k) { return x > at(p.threshold, place, k) ? 1.0 : 0.0; });
  }
  Values run(const nir::Delay&, std::size_t i, const Place&, const Values&) { return values_[i]; }
  Values run(const nir::Conv2d& p, std::size_t, const Place& place, const Values& in) {
    using Kind = nir::Padding<nir::Pair>::Kind;
    nir::Pair pad = p.padding.kind == Kind::zeros ? p.padding.size : nir::Pair{0, 0};
    const auto& w = p.weight.shape;
    if (p.padding.kind == Kind::same) pad = {std::int64_t(w[2] - 1) / 2, std::int64_t(w[3] - 1) / 2};
    Values out;
    for (std::int64_t c = 0; c < place.out[0]; ++c) {
      for (std::int64_t y = 0; y < place.out[1]; ++y) {
        for (std::int64_t x = 0; x < place.out[2]; ++x) {
          double sum = p.bias.values[std::size_t(c)];
          for (std::size_t ic = 0; ic < w[1]; ++ic) {
            for (std::size_t ky = 0; ky < w[2]; ++ky) {
              for (std::size_t kx = 0; kx < w[3]; ++kx) {
                const std::int64_t sy = y * p.stride[0] + std::int64_t(ky) - pad[0];
                const std::int64_t sx = x * p.stride[1] + std::int64_t(kx) - pad[1];
                if (sy < 0 || sx < 0 || sy >= place.in[1] || sx >= place.in[2]) continue;
                sum +=
                    p.weight.values[((std::size_t(c) * w[1] + ic) * w[2] + ky) * w[3] + kx] *
                    in[(ic * std::size_t(place.in[1]) + std::size_t(sy)) * std::size_t(place.in[2]) + std::size_t(sx)];
              }
            }
          }
          out.push_back(sum);
        }
      }
    }
    return out;
  }
  Values pool(nir::Pair kernel, nir::Pair stride, double divisor, const Place& place, const Values& in) {
    Values out;
    for (std::int64_t c = 0; c < place.out[0]; ++c) {
      for (std::int64_t y = 0; y < place.out[1]; ++y) {
        for (std::int64_t x = 0; x < place.out[2]; ++x) {
          double sum = 0;
          for (std::int64_t ky = 0; ky < kernel[0]; ++ky) {
            for (std::int64_t kx = 0; kx < kernel[1]; ++kx)
              sum += in[std::size_t((c * place.in[1] + y * stride[0] + ky) * place.in[2] + x * stride[1] + kx)];
          }
          out.push_back(sum / divisor);
        }
      }
    }
    return out;
  }
  Values run(const nir::SumPool2d& p, std::size_t, const Place& place, const Values& in) {
    return pool(p.kernel_size, p.stride, 1, place, in);
  }
  Values run(const nir::AvgPool2d& p, std::size_t, const Place& place, const Values& in) {
    return pool(p.kernel_size, p.stride, static_cast<double>(p.kernel_size[0] * p.kernel_size[1]), place, in);
  }
  Values run(const nir::I& p, std::size_t i, const Place& place, const Values& in) {
    return each(in, [&](double x, std::size_t k) { return state_[i][0][k] += at(p.r, place, k) * dt_ * x; });
  }
  Values run(const nir::IF& p, std::size_t i, const Place& place, const Values& in) {
    return each(in, [&](double x, std::size_t k) {
      double& v = state_[i][0][k];
      v += at(p.r, place, k) * dt_ * x;
      return fire(v, p, place, k);
    });
  }
  Values run(const nir::LI& p, std::size_t i, const Place& place, const Values& in) {
    return each(in, [&](double x, std::size_t k) { return leak(state_[i][0][k], p.tau, p, place, k, x); });
  }
  Values run(const nir::LIF& p, std::size_t i, const Place& place, const Values& in) {
    return each(in, [&](double x, std::size_t k) {
      leak(state_[i][0][k], p.tau, p, place, k, x);
      return fire(state_[i][0][k], p, place, k);
    });
  }
  Values run(const nir::CubaLI& p, std::size_t i, const Place& place, const Values& in) {
    return each(in, [&](double x, std::size_t k) {
      return leak(state_[i][0][k], p.tau_mem, p, place, k, current(state_[i][1][k], p, place, k, x));
    });
  }
  Values run(const nir::CubaLIF& p, std::size_t i, const Place& place, const Values& in) {
    return each(in, [&](double x, std::size_t k) {
      leak(state_[i][0][k], p.tau_mem, p, place, k, current(state_[i][1][k], p, place, k, x));
      return fire(state_[i][0][k], p, place, k);
    });
  }
  Values run(const auto&, std::size_t, const Place&, const Values& in) { return in; }  // Flatten and ends

  static Values each(const Values& in, auto&& f) {
    Values out;
    for (std::size_t k = 0; k < in.size(); ++k) out.push_back(f(in[k], k));
    return out;
  }
  static double at(const nir::Tensor& tensor, const Place& place, std::size_t k) {
    return nir::spread(tensor, place.in)[k];
  }
  Values matrix(const nir::Tensor& w, const nir::Tensor* bias, const Values& in) {
    Values out;
    for (std::size_t o = 0; o < w.shape[0]; ++o) {
      double sum = bias ? bias->values[o] : 0;
      for (std::size_t i = 0; i < in.size(); ++i) sum += w.values[o * in.size() + i] * in[i];
      out.push_back(sum);
    }
    return out;
  }
  double leak(double& v, const nir::Tensor& tau, const auto& p, const Place& place, std::size_t k, double x) {
    return v += dt_ / at(tau, place, k) * (at(p.v_leak, place, k) - v + at(p.r, place, k) * x);
  }
  double current(double& c, const auto& p, const Place& place, std::size_t k, double x) {
    return c += dt_ / at(p.tau_syn, place, k) * (-c + (p.w_in ? at(*p.w_in, place, k) : 1.0) * x);
  }
  double fire(double& v, const auto& p, const Place& place, std::size_t k) {
    if (!(v > at(p.v_threshold, place, k))) return 0;
    v = p.v_reset ? at(*p.v_reset, place, k) : 0;
    return 1;
  }

  nir::Shapes shapes_;
  double dt_;
  std::vector<Values> values_, before_;
  std::vector<std::array<Values, 2>> state_;
  std::map<std::size_t, std::vector<Values>> inputs_;
};

}  // namespace syn::testing
