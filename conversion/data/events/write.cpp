#include "conversion/data/events/write.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <span>

#include "conversion/data/events/nmnist.hpp"
#include "conversion/data/npy.hpp"
#include "core/text.hpp"

namespace syn::data {

namespace {

// Bytes that go to FILE.part and become FILE at the end; whatever ends it earlier leaves nothing behind.
class Output {
 public:
  explicit Output(const std::filesystem::path& file)
      : name_(file), part_(file.string() + ".part"), file_(std::fopen(part_.c_str(), "wb")) {}
  ~Output() {
    if (!file_) return;
    std::fclose(file_);
    std::remove(part_.c_str());
  }
  Output(const Output&) = delete;

  Expected<> write(const void* bytes, std::size_t size) {
    if (!file_) return trouble("cannot be written");
    if (size > 0 && std::fwrite(bytes, 1, size, file_) != size) return trouble("could not be written whole");
    return {};
  }
  // Replaces the beginning of what was written.
  Expected<> patch(const Bytes& head) {
    if (!file_ || std::fseek(file_, 0, SEEK_SET) != 0) return trouble("cannot be written");
    return write(head.data(), head.size());
  }
  Expected<> close() {
    if (!file_) return trouble("cannot be written");
    std::FILE* file = std::exchange(file_, nullptr);
    if (std::fclose(file) != 0 || std::rename(part_.c_str(), name_.c_str()) != 0) {
      const auto error = trouble("could not be written whole");
      std::remove(part_.c_str());
      return error;
    }
    return {};
  }

 private:
  std::unexpected<Error> trouble(const char* how) const {
    return fail(text::cat("the file ", how, ": ", std::strerror(errno)), name_.string(),
                "check the folder, its permissions and the free space");
  }
  std::filesystem::path name_;
  std::string part_;
  std::FILE* file_;
};

// Reads to the end, handing each piece to `write`.
template <class Write>
Expected<> each_chunk(EventReader& events, const Progress& progress, const Write& write) {
  Events chunk;
  for (;;) {
    const auto more = events.next(chunk);
    if (!more) return fail(more.error());
    if (!*more) return {};
    if (auto written = write(chunk); !written) return written;
    if (const auto done = events.done(); progress && done) progress(*done);
  }
}

}  // namespace

Expected<> write_csv(EventReader& events, const std::filesystem::path& file, const Progress& progress) {
  const Sensor sensor = events.recording().sensor;
  const bool channels = sensor.height == 1 && sensor.polarities == 1;
  Output out(file);
  std::string lines = text::cat("# sensor ", sensor.width, "x", sensor.height, "\n", channels ? "t,channel" : "t,x,y",
                                sensor.polarities == 2 ? ",p\n" : "\n");
  if (auto begun = out.write(lines.data(), lines.size()); !begun) return begun;
  auto done = each_chunk(events, progress, [&](const Events& chunk) {
    lines.clear();
    for (std::size_t i = 0; i < chunk.size(); ++i) {
      text::append(lines, chunk.t[i]);
      text::append(lines, ',');
      text::append(lines, chunk.x[i]);
      if (!channels) {
        text::append(lines, ',');
        text::append(lines, chunk.y[i]);
      }
      if (sensor.polarities == 2) {
        text::append(lines, ',');
        text::append(lines, chunk.polarity[i]);
      }
      lines += '\n';
    }
    return out.write(lines.data(), lines.size());
  });
  return done ? out.close() : done;
}

Expected<> write_event_array(EventReader& events, const std::filesystem::path& file, const Progress& progress) {
  Output out(file);
  std::size_t count = 0;
  const auto head = [&] { return npy_header(std::array<std::size_t, 2>{count, 4}, "<i8"); };
  const Bytes first = head();
  if (auto begun = out.write(first.data(), first.size()); !begun) return begun;
  std::vector<std::array<std::int64_t, 4>> rows;
  auto done = each_chunk(events, progress, [&](const Events& chunk) {
    rows.resize(chunk.size());
    for (std::size_t i = 0; i < chunk.size(); ++i) rows[i] = {chunk.t[i], chunk.x[i], chunk.y[i], chunk.polarity[i]};
    count += rows.size();
    return out.write(rows.data(), rows.size() * sizeof(rows[0]));
  });
  if (done) done = out.patch(head());
  return done ? out.close() : done;
}

Expected<> write_bin(EventReader& events, const std::filesystem::path& file, const Progress&) {
  auto all = read_all(events);
  if (!all) return fail(all.error());
  const auto bytes = write_nmnist(*all);
  if (!bytes) return fail(bytes.error());
  Output out(file);
  if (auto written = out.write(bytes->data(), bytes->size()); !written) return written;
  return out.close();
}

Expected<FrameFile> write_frames(EventReader& events, const WindowOptions& options, bool sample,
                                 const std::filesystem::path& file, const Progress& progress) {
  auto windows = WindowReader::make(events, options);
  if (!windows) return fail(windows.error());
  const Sensor sensor = events.recording().sensor;
  FrameFile made;
  const auto head = [&] {
    std::vector<std::size_t> shape{made.windows, sensor.polarities, sensor.height, sensor.width};
    if (sample) shape.insert(shape.begin(), 1);
    return npy_header(shape, "<f4");
  };
  Output out(file);
  const Bytes first = head();
  if (auto begun = out.write(first.data(), first.size()); !begun) return fail(begun.error());
  EventWindow window;
  std::vector<float> frame(sensor.cells());
  for (;;) {
    const auto more = windows->next(window);
    if (!more) return fail(more.error());
    if (!*more) break;
    std::copy(window.counts.begin(), window.counts.end(), frame.begin());
    if (auto written = out.write(frame.data(), frame.size() * sizeof(float)); !written) return fail(written.error());
    ++made.windows;
    made.saturated += window.saturated;
    if (const auto done = events.done(); progress && done) progress(*done);
  }
  if (auto patched = out.patch(head()); !patched) return fail(patched.error());
  if (auto closed = out.close(); !closed) return fail(closed.error());
  return made;
}

}  // namespace syn::data
