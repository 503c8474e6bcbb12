// `synfire keygen`: a node's key pair, or a whole mesh on this machine to try.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/json.hpp"
#include "cli/verb.hpp"
#include "core/text.hpp"
#include "nodes/daemon/trial_mesh.hpp"
#include "transport/keys.hpp"

namespace syn::cli {

namespace {

class Keygen final : public Verb {
 public:
  const char* name() const override { return "keygen"; }
  const char* summary() const override { return "make a node's key pair, or a mesh on this machine to try"; }
  const char* example() const override { return "synfire keygen -o pi-1.key"; }
  void declare(CLI::App& app) override {
    auto* what = app.add_option_group("what to make");
    what->add_option("-o,--output", output_, "file for the secret key (mode 0600); the public one is printed");
    auto* mesh =
        what->add_option("--mesh", mesh_, "folder for keys and configurations of --nodes daemons on this machine");
    what->require_option(1);
    app.add_option("--nodes", nodes_, "of --mesh")->check(CLI::Range(1, 64))->needs(mesh)->capture_default_str();
    app.add_option("--first-port", first_port_, "of --mesh")
        ->check(CLI::Range(1024, 65000))
        ->needs(mesh)
        ->capture_default_str();
  }

  Expected<Answer> run(Terminal&) override {
    if (!mesh_.empty()) {
      const auto mesh = daemon::write_trial_mesh(mesh_, nodes_, first_port_, {});
      if (!mesh) return fail(mesh.error());
      Json json{{"cluster", mesh->cluster.string()}, {"nodes", Json::array()}};
      std::string text;
      for (std::size_t i = 0; i < mesh->nodes.size(); ++i) {
        json["nodes"].push_back(
            {{"name", mesh->names[i]}, {"config", mesh->nodes[i].string()}, {"public_key", mesh->public_keys[i]}});
        text += text::cat("synfired ", mesh->nodes[i].string(), "\n");
      }
      text += text::cat("synfire run MODEL.syn --cluster ", mesh->cluster.string(), " --data DATA\n");
      return Answer{json.dump(), text, {}};
    }
    const KeyPair keys = make_key_pair();
    if (auto written = write_key_file(output_, keys); !written) return fail(written.error());
    const Json json{{"public_key", to_z85(keys.public_key)}, {"secret_key_file", output_}};
    return Answer{json.dump(), text::cat(to_z85(keys.public_key), "\n"), {}};
  }

 private:
  std::string output_, mesh_;
  std::uint32_t nodes_ = 3;
  std::uint16_t first_port_ = 7001;
};

}  // namespace

std::unique_ptr<Verb> make_keygen() {
  return std::make_unique<Keygen>();
}

}  // namespace syn::cli
