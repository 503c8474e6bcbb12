// e^x from + - * and powers of two only, so that a decay has the same bits on every machine: the C library's own is
// only promised to be close. Within 2 units in the last place; setup, never an inner loop.
#pragma once

namespace syn::snn::real {

double exponential(double x);
// 1 - e^-x without cancellation, for x >= 0: what one step of exponential Euler takes of its input.
double charged(double x);

}  // namespace syn::snn::real
