// A trained spiking network as the model of the float profile that it is; its NIR file follows from that (nir::raise).
// This room's own header.
#pragma once

#include "conversion/trainer/network.hpp"
#include "conversion/trainer/settings.hpp"
#include "snn/real/model.hpp"

namespace syn::train {

// The network must be spiking. A step of the model is a window of events. Its rules are those of the NIR dialect
// `snntorch` (v += in; fires above the threshold, once a step; subtracts it), and its notes say so.
snn::real::Model to_model(const Network& network, const std::string& name, const data::Framing& framing);

}  // namespace syn::train
