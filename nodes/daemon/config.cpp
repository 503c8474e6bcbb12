#include "nodes/daemon/config.hpp"

// toml++ 3.3 asserts that a key follows '[' before it checks that one does: a typing error would abort the program.
#define TOML_ASSERT(condition) static_cast<void>(0)

#include <fstream>
#include <initializer_list>
#include <set>
#include <toml++/toml.h>

#include "core/text.hpp"
#include "core/toml_text.hpp"
#include "core/units.hpp"

namespace syn::daemon {

namespace fs = std::filesystem;

namespace {

constexpr std::uintmax_t kMaxConfigBytes = 1 << 20;
constexpr std::size_t kMaxEntries = 1024;

// One table of a file, read key by key. The first thing that is wrong is kept; what follows reads as empty.
class Reader {
 public:
  Reader(const toml::table& table, std::string where, std::initializer_list<std::string_view> known)
      : table_(table), where_(std::move(where)) {
    const std::set<std::string_view> keys(known);
    for (const auto& [key, value] : table_) {
      if (!keys.contains(key.str())) {
        wrong(text::cat("unknown key '", from_ascii_toml(key.str()), "'"), key.source().begin.line,
              "see docs/operating.md for the keys");
      }
    }
  }

  std::string text(std::string_view key, bool required) {
    const toml::node* node = table_.get(key);
    if (!node) {
      if (required) wrong(text::cat("'", key, "' is missing"), 0, text::cat("add a line: ", key, " = \"...\""));
      return {};
    }
    const auto value = node->value_exact<std::string>();
    if (!value || (required && value->empty()) || value->size() > 4096) {
      wrong(text::cat("'", key, "' is not a text"), node->source().begin.line,
            text::cat("write it like: ", key, " = \"...\""));
      return {};
    }
    return from_ascii_toml(*value);
  }

  template <class Read, class T>
  void amount(std::string_view key, T& out, Read read) {
    if (!table_.get(key)) return;
    const std::string value = text(key, true);
    if (trouble_) return;
    if (const auto parsed = read(value, text::cat(where_, ", '", key, "'"))) {
      out = *parsed;
    } else {
      trouble_ = parsed.error();
    }
  }

  void number(std::string_view key, std::uint32_t& out, std::uint32_t least, std::uint32_t most) {
    const toml::node* node = table_.get(key);
    if (!node) return;
    const auto value = node->value_exact<std::int64_t>();
    if (!value || *value < least || *value > most) {
      wrong(text::cat("'", key, "' is not a whole number from ", least, " to ", most), node->source().begin.line,
            "correct it");
      return;
    }
    out = static_cast<std::uint32_t>(*value);
  }

  template <class T>
  void choice(std::string_view key, T& out, std::initializer_list<std::pair<std::string_view, T>> choices) {
    if (!table_.get(key)) return;
    const std::string value = text(key, true);
    std::string names;
    for (const auto& [name, meaning] : choices) {
      if (name == value) {
        out = meaning;
        return;
      }
      names += text::cat(names.empty() ? "" : ", ", name);
    }
    wrong(text::cat("'", value, "' is not a value of '", key, "'"), table_.get(key)->source().begin.line,
          text::cat("use one of: ", names));
  }

  void wrong(std::string what, std::uint32_t line, std::string todo) {
    if (trouble_) return;
    trouble_ = Error{std::move(what), line ? text::cat(where_, ", line ", line) : where_, std::move(todo)};
  }
  const std::optional<Error>& trouble() const { return trouble_; }

 private:
  const toml::table& table_;
  std::string where_;
  std::optional<Error> trouble_;
};

Expected<toml::table> parse(const fs::path& path) {
  std::error_code trouble;
  const std::uintmax_t size = fs::file_size(path, trouble);
  if (trouble)
    return fail(text::cat("the configuration cannot be read: ", trouble.message()), path.string(),
                "check the path and its rights");
  if (size > kMaxConfigBytes) return fail("the configuration is too large", path.string(), "at most 1 MB is read");
  std::string content(size, '\0');
  std::ifstream in(path, std::ios::binary);
  if (!in.read(content.data(), static_cast<std::streamsize>(size))) {
    return fail("the configuration cannot be read", path.string(), "check its rights");
  }
  const auto ascii = to_ascii_toml(content, path.string());
  if (!ascii) return fail(ascii.error());
  try {
    return toml::parse(*ascii);
  } catch (const toml::parse_error& e) {
    return fail(from_ascii_toml(e.description()), text::cat(path.string(), ", line ", e.source().begin.line),
                "correct the TOML");
  }
}

// The tables of [[key]], or an error that says how to write them.
Expected<std::vector<const toml::table*>> tables(const toml::table& root, std::string_view key,
                                                 const std::string& where) {
  std::vector<const toml::table*> found;
  const toml::node* node = root.get(key);
  if (!node) return found;
  const toml::array* array = node->as_array();
  if (!array || array->size() > kMaxEntries) {
    return fail(text::cat("'", key, "' is not a list of at most ", kMaxEntries, " tables"), where,
                text::cat("write [[", key, "]] before each"));
  }
  for (const toml::node& entry : *array) {
    if (!entry.is_table())
      return fail(text::cat("'", key, "' holds something that is not a table"), where,
                  text::cat("write [[", key, "]] before each"));
    found.push_back(entry.as_table());
  }
  return found;
}

fs::path beside(const fs::path& file, const std::string& path) {
  return path.empty() ? fs::path() : file.parent_path() / path;  // an absolute path stays itself
}

template <class Named>
Expected<> check_names(const std::vector<Named>& entries, std::string_view kind, const std::string& where) {
  std::set<std::string> names, keys;
  for (const Named& entry : entries) {
    if (!names.insert(entry.name).second)
      return fail(text::cat("two ", kind, "s are called '", entry.name, "'"), where, "give each a name of its own");
    if (!entry.key.empty() && !keys.insert(entry.key).second) {
      return fail(text::cat("the ", kind, " '", entry.name, "' has the key of another"), where,
                  "give each its own: synfire keygen");
    }
  }
  return {};
}

}  // namespace

Expected<NodeConfig> read_node_config(const fs::path& path) {
  const auto root = parse(path);
  if (!root) return fail(root.error());
  NodeConfig config;
  Reader reader(*root, path.string(),
                {"name", "listen", "key", "state", "log", "log_level", "drain", "memory", "threads", "peer"});
  config.name = reader.text("name", true);
  config.listen = reader.text("listen", true);
  config.key_file = beside(path, reader.text("key", true));
  config.state = beside(path, reader.text("state", true));
  reader.choice("log", config.log_format, {{"text", LogFormat::text}, {"json", LogFormat::json}});
  reader.choice("log_level", config.log_level,
                {{"debug", Level::debug}, {"info", Level::info}, {"warn", Level::warn}, {"error", Level::error}});
  reader.amount("drain", config.drain, read_duration);
  reader.amount("memory", config.memory, read_bytes);
  reader.number("threads", config.threads, 1, 256);
  if (reader.trouble()) return fail(*reader.trouble());
  const auto peers = tables(*root, "peer", path.string());
  if (!peers) return fail(peers.error());
  for (const toml::table* table : *peers) {
    Reader entry(*table, text::cat(path.string(), ", [[peer]] ", config.peers.size() + 1), {"name", "key", "address"});
    config.peers.push_back({entry.text("name", true), entry.text("key", true), entry.text("address", false)});
    if (entry.trouble()) return fail(*entry.trouble());
  }
  if (auto unique = check_names(config.peers, "peer", path.string()); !unique) return fail(unique.error());
  return config;
}

std::string write_node_config(const NodeConfig& config) {
  static constexpr const char* kLevels[] = {"debug", "info", "warn", "error"};
  std::string out;
  const auto line = [&out](std::string_view key, const std::string& value) {
    out += text::cat(key, " = ", value, "\n");
  };
  line("name", quoted_for_toml(config.name));
  line("listen", quoted_for_toml(config.listen));
  line("key", quoted_for_toml(config.key_file.string()));
  line("state", quoted_for_toml(config.state.string()));
  line("log", config.log_format == LogFormat::json ? "\"json\"" : "\"text\"");
  line("log_level", quoted_for_toml(kLevels[static_cast<int>(config.log_level)]));
  line("drain", quoted_for_toml(write_duration(config.drain)));
  line("memory", quoted_for_toml(write_bytes(config.memory)));
  line("threads", text::cat(config.threads));
  for (const PeerConfig& peer : config.peers) {
    out += "\n[[peer]]\n";
    line("name", quoted_for_toml(peer.name));
    line("key", quoted_for_toml(peer.key));
    if (!peer.address.empty()) line("address", quoted_for_toml(peer.address));
  }
  return out;
}

Expected<ClusterConfig> read_cluster_config(const fs::path& path) {
  const auto root = parse(path);
  if (!root) return fail(root.error());
  ClusterConfig config;
  Reader reader(*root, path.string(), {"gateway", "node"});
  if (reader.trouble()) return fail(*reader.trouble());
  if (const toml::table* table = (*root)["gateway"].as_table()) {
    Reader gateway(*table, path.string() + ", [gateway]", {"name", "key", "device"});
    config.gateway_name = gateway.text("name", true);
    config.gateway_key_file = beside(path, gateway.text("key", false));
    if (const std::string device = gateway.text("device", false); !device.empty()) config.gateway_device = device;
    if (gateway.trouble()) return fail(*gateway.trouble());
  } else {
    return fail("the table [gateway] is missing", path.string(),
                "add it: who runs `synfire run`; see docs/operating.md");
  }
  const auto nodes = tables(*root, "node", path.string());
  if (!nodes) return fail(nodes.error());
  for (const toml::table* table : *nodes) {
    Reader entry(*table, text::cat(path.string(), ", [[node]] ", config.nodes.size() + 1),
                 {"name", "key", "address", "device"});
    config.nodes.push_back(
        {entry.text("name", true), entry.text("key", false), entry.text("address", false), entry.text("device", true)});
    if (entry.trouble()) return fail(*entry.trouble());
  }
  if (config.nodes.empty())
    return fail("the cluster has no node", path.string(), "add a [[node]] for each daemon; see docs/operating.md");
  if (auto unique = check_names(config.nodes, "node", path.string()); !unique) return fail(unique.error());
  return config;
}

}  // namespace syn::daemon
