#include "tests/conversion/hdf5/library.hpp"

#include <hdf5.h>

#include <cstring>

#include "core/assert.hpp"
#include "core/text.hpp"

namespace syn::testing {
namespace {

using namespace hdf5;

hid_t good(hid_t id) {
  SYN_ASSERT(id >= 0, id);
  return id;
}
void ok(herr_t code) {
  SYN_ASSERT(code >= 0, code);
}

hid_t in_memory(const void* image, std::size_t size) {
  const hid_t access = good(H5Pcreate(H5P_FILE_ACCESS));
  ok(H5Pset_fapl_core(access, 1 << 16, false));
  if (image) ok(H5Pset_file_image(access, const_cast<void*>(image), size));
  return access;
}

Item read_item(hid_t at, const char* name);
herr_t each_child(hid_t group, const char* name, const H5L_info_t*, void* into) {
  static_cast<Group*>(into)->emplace(name, read_item(group, name));
  return 0;
}

Item read_item(hid_t at, const char* name) {
  const hid_t object = good(H5Oopen(at, name, H5P_DEFAULT));
  Item out;
  if (H5Iget_type(object) == H5I_GROUP) {
    Group group;
    ok(H5Literate(object, H5_INDEX_NAME, H5_ITER_INC, nullptr, each_child, &group));
    out.value = std::move(group);
  } else {
    const hid_t type = good(H5Dget_type(object)), space = good(H5Dget_space(object));
    const auto count = static_cast<std::size_t>(H5Sget_simple_extent_npoints(space));
    std::vector<hsize_t> dims(static_cast<std::size_t>(H5Sget_simple_extent_ndims(space)));
    H5Sget_simple_extent_dims(space, dims.data(), nullptr);
    const std::vector<std::size_t> shape(dims.begin(), dims.end());
    if (H5Tget_class(type) == H5T_STRING) {
      Texts texts{.shape = shape, .values = {}};
      const hid_t memory = good(H5Tcopy(H5T_C_S1));
      ok(H5Tset_size(memory, H5T_VARIABLE));
      ok(H5Tset_cset(memory, H5Tget_cset(type)));
      SYN_ASSERT(H5Tis_variable_str(type) > 0);
      SYN_ASSERT(H5Tget_cset(type) == H5T_CSET_UTF8);
      std::vector<char*> values(count);
      if (count > 0) ok(H5Dread(object, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()));
      for (const char* value : values) texts.values.emplace_back(value ? value : "");
      if (count > 0) ok(H5Dvlen_reclaim(memory, space, H5P_DEFAULT, values.data()));
      H5Tclose(memory);
      out.value = std::move(texts);
    } else {
      Numbers numbers{.shape = shape,
                      .element = H5Tequal(type, H5T_IEEE_F32LE) > 0   ? Element::float32
                                 : H5Tequal(type, H5T_IEEE_F64LE) > 0 ? Element::float64
                                                                      : Element::int64,
                      .values = std::vector<double>(count)};
      SYN_ASSERT(numbers.element != Element::int64 || H5Tequal(type, H5T_STD_I64LE) > 0);
      if (count > 0) ok(H5Dread(object, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers.values.data()));
      out.value = std::move(numbers);
    }
    H5Tclose(type);
    H5Sclose(space);
  }
  H5Oclose(object);
  return out;
}

hid_t half_type() {
  const hid_t type = good(H5Tcopy(H5T_IEEE_F32LE));
  ok(H5Tset_fields(type, 15, 10, 5, 0, 10));
  ok(H5Tset_size(type, 2));
  ok(H5Tset_ebias(type, 15));
  return type;
}

hid_t number_type(Element element, const Storage& storage) {
  if (element == Element::int64) {
    if (storage.small) return good(H5Tcopy(storage.big_endian ? H5T_STD_I8BE : H5T_STD_I8LE));
    return good(H5Tcopy(storage.big_endian ? H5T_STD_I64BE : H5T_STD_I64LE));
  }
  const hid_t type = storage.small                 ? half_type()
                     : element == Element::float32 ? good(H5Tcopy(H5T_IEEE_F32LE))
                                                   : good(H5Tcopy(H5T_IEEE_F64LE));
  if (storage.big_endian) ok(H5Tset_order(type, H5T_ORDER_BE));
  return type;
}

hid_t space_of(const std::vector<std::size_t>& shape) {
  const std::vector<hsize_t> dims(shape.begin(), shape.end());
  return shape.empty() ? good(H5Screate(H5S_SCALAR))
                       : good(H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr));
}

void write_item(hid_t at, const std::string& name, const Item& item, const Storage& storage) {
  if (const auto* group = std::get_if<Group>(&item.value)) {
    const hid_t id = good(H5Gcreate2(at, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    for (const auto& [inner, child] : *group) write_item(id, inner, child, storage);
    H5Gclose(id);
    return;
  }
  const hid_t create = good(H5Pcreate(H5P_DATASET_CREATE));
  hid_t type = 0, memory = 0, space = 0;
  const void* data = nullptr;
  std::vector<const char*> pointers;
  std::string fixed;
  if (const auto* numbers = std::get_if<Numbers>(&item.value)) {
    type = number_type(numbers->element, storage);
    memory = good(H5Tcopy(H5T_NATIVE_DOUBLE));
    space = space_of(numbers->shape);
    data = numbers->values.data();
    if (storage.chunked && !numbers->shape.empty() && !numbers->values.empty()) {
      std::vector<hsize_t> chunk;
      for (const std::size_t dim : numbers->shape) chunk.push_back(dim < 3 ? dim : dim / 2 + (dim % 3 == 0 ? 1 : 0));
      ok(H5Pset_chunk(create, static_cast<int>(chunk.size()), chunk.data()));
      if (storage.shuffle) ok(H5Pset_shuffle(create));
      if (storage.gzip) ok(H5Pset_deflate(create, 4));
      if (storage.fletcher) ok(H5Pset_fletcher32(create));
    } else if (storage.compact) {
      ok(H5Pset_layout(create, H5D_COMPACT));
    }
  } else {
    const auto& texts = std::get<Texts>(item.value);
    space = space_of(texts.shape);
    type = good(H5Tcopy(H5T_C_S1));
    ok(H5Tset_cset(type, H5T_CSET_UTF8));
    if (storage.fixed_text) {
      std::size_t size = 1;
      for (const auto& text : texts.values) size = std::max(size, text.size());
      ok(H5Tset_size(type, size));
      ok(H5Tset_strpad(type, H5T_STR_NULLPAD));
      for (auto text : texts.values) text.resize(size, '\0'), fixed += text;
      data = fixed.data();
    } else {
      ok(H5Tset_size(type, H5T_VARIABLE));
      for (const auto& text : texts.values) pointers.push_back(text.c_str());
      data = pointers.data();
    }
    memory = good(H5Tcopy(type));
  }
  const hid_t id = good(H5Dcreate2(at, name.c_str(), type, space, H5P_DEFAULT, create, H5P_DEFAULT));
  if (H5Sget_simple_extent_npoints(space) > 0) ok(H5Dwrite(id, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data));
  for (const hid_t open : {type, memory}) H5Tclose(open);
  H5Sclose(space);
  H5Pclose(create);
  H5Dclose(id);
}

hid_t new_file(bool latest) {
  static int count = 0;  // libhdf5 takes two files of one name for one file
  const std::string name = text::cat("an image in memory ", ++count);
  const hid_t access = in_memory(nullptr, 0);
  if (latest) ok(H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST));
  const hid_t file = good(H5Fcreate(name.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access));
  H5Pclose(access);
  return file;
}

Bytes image_of(hid_t file) {
  ok(H5Fflush(file, H5F_SCOPE_GLOBAL));
  Bytes out(static_cast<std::size_t>(H5Fget_file_image(file, nullptr, 0)));
  SYN_ASSERT(H5Fget_file_image(file, out.data(), out.size()) == static_cast<ssize_t>(out.size()));
  ok(H5Fclose(file));
  return out;
}

}  // namespace

Group library_read(ByteView bytes) {
  const hid_t access = in_memory(bytes.data(), bytes.size());
  const hid_t file = good(H5Fopen("an image in memory", H5F_ACC_RDONLY, access));
  Group out;
  ok(H5Literate(file, H5_INDEX_NAME, H5_ITER_INC, nullptr, each_child, &out));
  ok(H5Fclose(file));
  H5Pclose(access);
  return out;
}

Bytes library_write(const Group& tree, const Storage& storage) {
  const hid_t file = new_file(storage.latest);
  for (const auto& [name, item] : tree) write_item(file, name, item, storage);
  return image_of(file);
}

Bytes library_oddity(const std::string& kind) {
  const hid_t file = new_file(false);
  const hsize_t dims[] = {8}, chunk[] = {4};
  const hid_t space = good(H5Screate_simple(1, dims, nullptr)), create = good(H5Pcreate(H5P_DATASET_CREATE));
  const float data[8] = {};
  const auto dataset = [&](hid_t type, hid_t in) {
    return good(H5Dcreate2(file, "x", type, in, H5P_DEFAULT, create, H5P_DEFAULT));
  };
  if (kind == "soft link") {
    ok(H5Lcreate_soft("/y", file, "x", H5P_DEFAULT, H5P_DEFAULT));
  } else if (kind == "external link") {
    ok(H5Lcreate_external("elsewhere.h5", "/y", file, "x", H5P_DEFAULT, H5P_DEFAULT));
  } else if (kind == "external data") {
    ok(H5Pset_external(create, "elsewhere.raw", 0, 32));
    H5Dclose(dataset(H5T_IEEE_F32LE, space));
  } else if (kind == "virtual") {
    ok(H5Pset_virtual(create, space, "elsewhere.h5", "/y", space));
    H5Dclose(dataset(H5T_IEEE_F32LE, space));
  } else if (kind == "compound") {
    const hid_t type = good(H5Tcreate(H5T_COMPOUND, 8));
    ok(H5Tinsert(type, "a", 0, H5T_IEEE_F32LE));
    H5Dclose(dataset(type, space));
  } else if (kind == "never written") {
    H5Dclose(dataset(H5T_IEEE_F32LE, space));
  } else if (kind == "partly written") {
    ok(H5Pset_chunk(create, 1, chunk));
    const hid_t id = dataset(H5T_IEEE_F32LE, space);
    const hsize_t start[] = {0}, count[] = {4};
    ok(H5Sselect_hyperslab(space, H5S_SELECT_SET, start, nullptr, count, nullptr));
    const hid_t memory = good(H5Screate_simple(1, count, nullptr));
    ok(H5Dwrite(id, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, data));
    H5Dclose(id);
    H5Sclose(memory);
  } else if (kind == "committed type") {
    const hid_t type = good(H5Tcopy(H5T_IEEE_F32LE));
    ok(H5Tcommit2(file, "t", type, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Dclose(dataset(type, space));
  } else {
    SYN_ASSERT(kind == "null", kind);
    H5Dclose(dataset(H5T_IEEE_F32LE, good(H5Screate(H5S_NULL))));
  }
  H5Sclose(space);
  H5Pclose(create);
  return image_of(file);
}

}  // namespace syn::testing
