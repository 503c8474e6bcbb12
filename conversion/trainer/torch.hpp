// libtorch, the one way this room includes it. Its headers bring glog's CHECK with them, which would silently take the
// place of doctest's in every test that includes one of ours.
#pragma once

#pragma push_macro("CHECK")
#undef CHECK
#include <torch/torch.h>
#pragma pop_macro("CHECK")
