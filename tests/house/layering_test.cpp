// The arrows of the house are data (cmake/layers.cmake). This test reads them and every #include of our own, and fails
// on an arrow that is not drawn, so that the drawing stays true.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

struct Room {
  std::string name, folder;
  std::set<std::string> may_see;
};

std::string strip(std::string s) {
  s.erase(0, s.find_first_not_of(" \t"));
  s.erase(s.find_last_not_of(" \t") + 1);
  return s;
}

std::vector<Room> read_layers(const fs::path& file) {
  std::ifstream in(file);
  std::vector<Room> rooms;
  for (std::string line; std::getline(in, line);) {
    const auto open = line.find('"'), close = line.rfind('"');
    if (line.find('|') == std::string::npos || open == close || line.front() == '#') continue;
    std::stringstream parts(line.substr(open + 1, close - open - 1));
    std::string name, folder, deps;
    std::getline(parts, name, '|');
    std::getline(parts, folder, '|');
    std::getline(parts, deps, '|');
    Room room{strip(name), strip(folder), {}};
    std::stringstream words(deps);
    for (std::string dep; words >> dep;) room.may_see.insert(dep);
    rooms.push_back(std::move(room));
  }
  return rooms;
}

// The room that owns a path relative to the repository: the one with the longest matching folder.
const Room* owner(const std::vector<Room>& rooms, const std::string& path) {
  const Room* best = nullptr;
  for (const Room& room : rooms) {
    if (path.starts_with(room.folder + "/") && (!best || room.folder.size() > best->folder.size())) best = &room;
  }
  return best;
}

// Breaches of the arrows by one file's text, as readable lines.
std::vector<std::string> breaches(const std::vector<Room>& rooms, const std::string& path, std::istream& text) {
  std::vector<std::string> found;
  const Room* from = owner(rooms, path);
  for (std::string line; std::getline(text, line);) {
    line = strip(line);
    if (!line.starts_with("#include \"")) continue;
    const std::string target = line.substr(10, line.find('"', 10) - 10);
    const Room* to = owner(rooms, target);
    if (!to || to == from || (from && from->may_see.contains(to->name))) continue;
    found.push_back(path + " (" + (from ? from->name : "no room") + ") includes " + target + " (" + to->name + ")");
  }
  return found;
}

std::vector<fs::path> sources(const fs::path& root, const std::string& folder) {
  std::vector<fs::path> files;
  if (!fs::exists(root / folder)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
    const auto extension = entry.path().extension();
    if (entry.is_regular_file() && (extension == ".hpp" || extension == ".cpp")) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

TEST_CASE("no include breaks the arrows of cmake/layers.cmake") {
  const fs::path root = SYN_SOURCE_DIR;
  const auto rooms = read_layers(root / "cmake/layers.cmake");
  REQUIRE(rooms.size() >= 10);
  std::size_t files = 0;
  std::set<std::string> tops;
  for (const Room& room : rooms) tops.insert(room.folder.substr(0, room.folder.find('/')));
  for (const std::string& top : tops) {
    for (const fs::path& file : sources(root, top)) {
      std::ifstream in(file);
      ++files;
      for (const std::string& breach : breaches(rooms, fs::relative(file, root).generic_string(), in))
        FAIL_CHECK(breach);
    }
  }
  CHECK(files > 30);
}

TEST_CASE("the layering check notices a breach") {
  const auto rooms = read_layers(fs::path(SYN_SOURCE_DIR) / "cmake/layers.cmake");
  std::stringstream forbidden("#include \"transport/zmq_network.hpp\"\n#include \"core/types.hpp\"\n");
  const auto found = breaches(rooms, "nodes/worker.cpp", forbidden);
  REQUIRE(found.size() == 1);
  CHECK(found[0].find("nodes/worker.cpp") == 0);
}

TEST_CASE("a header that names a third-party library is private to its room") {
  const std::vector<std::string> libraries = {"boost/", "zmq",    "google/protobuf",   "torch/", "onnx/",
                                              "CLI/",   "toml++", "nlohmann/json.hpp", "sodium", "hwy/"};
  const fs::path root = SYN_SOURCE_DIR;
  const auto rooms = read_layers(root / "cmake/layers.cmake");
  const std::vector<std::string> tops = {"core", "snn", "transport", "nodes", "conversion", "report", "sim", "cli"};
  std::set<std::string> naming;  // our headers that include a library's
  std::size_t headers = 0;
  const auto lines_of = [](const fs::path& file, auto&& each) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
      if (line = strip(line); line.starts_with("#include")) each(line);
    }
  };
  for (const std::string& top : tops) {
    for (const fs::path& file : sources(root, top)) {
      if (file.extension() != ".hpp") continue;
      ++headers;
      lines_of(file, [&](const std::string& line) {
        for (const std::string& library : libraries) {
          if (line.find("<" + library) != std::string::npos || line.find(".pb.h") != std::string::npos) {
            naming.insert(fs::relative(file, root).generic_string());
          }
        }
      });
    }
  }
  for (const std::string& top : tops) {
    for (const fs::path& file : sources(root, top)) {
      const std::string path = fs::relative(file, root).generic_string();
      lines_of(file, [&](const std::string& line) {
        for (const std::string& header : naming) {
          if (line.find("\"" + header + "\"") != std::string::npos && owner(rooms, header) != owner(rooms, path)) {
            FAIL_CHECK(path << " reaches a third-party library through " << header);
          }
        }
      });
    }
  }
  CHECK(headers > 40);
  CHECK(naming.size() <= 8);  // rare: most libraries stay in .cpp files
}
