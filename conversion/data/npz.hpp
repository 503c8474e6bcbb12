// NumPy's .npz files, written only: a ZIP archive of .npy members, stored without compression, so that numpy.load reads
// them by name. Deliberately not here: reading, compression, archives above 4 GiB (ZIP64).
#pragma once

#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/types.hpp"

namespace syn::data {

struct Member {
  std::string name;  // without ".npy"
  Bytes npy;         // of write_npy()
};

// The same members give the same bytes: the archive's times are ZIP's first day. Refused above 4 GiB or 65,535 members.
Expected<Bytes> write_npz(const std::vector<Member>& members, const std::string& where);

}  // namespace syn::data
