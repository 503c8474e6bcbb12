// Events as text, one a line, separated by commas, semicolons, tabs or blanks. Comments begin with '#' or '%'; one of
// ours states the sensor: "# sensor 34x34". Which column is which stands in the first line, or in OpenOptions::columns,
// or is told by the numbers: "t x y p" (rpg), "x,y,p,t" (Prophesee) when the third column is a sign and the fourth is
// not, "t,x,y", "t,channel".
#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>

#include "conversion/data/events/formats.hpp"
#include "core/text.hpp"

namespace syn::data::formats {

namespace {

constexpr std::size_t kLongestLine = 1024;
constexpr const char* kFix = "write lines of t,x,y,p in microseconds, or name the columns: --columns";
enum Field : std::size_t { kT, kX, kY, kP, kFields };

bool is_comment(std::string_view line) {
  return line.empty() || line.front() == '#' || line.front() == '%';
}

// The cells of a line; at most eight, more make it no line of events.
struct Cells {
  std::array<std::string_view, 8> at;
  std::size_t count = 0;
  bool too_many = false;
};
Cells split(std::string_view line) {
  Cells out;
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  const auto mark = [](char c) { return c == ',' || c == ';'; };
  std::size_t i = 0;
  const auto blanks = [&] {
    while (i < line.size() && blank(line[i])) ++i;
  };
  for (blanks(); i < line.size(); blanks()) {
    const std::size_t begin = i;
    while (i < line.size() && !blank(line[i]) && !mark(line[i])) ++i;
    if (out.count == out.at.size()) {
      out.too_many = true;
      return out;
    }
    out.at[out.count++] = line.substr(begin, i - begin);
    blanks();
    if (i < line.size() && mark(line[i])) ++i;
  }
  return out;
}

std::optional<double> number(std::string_view cell) {
  if (cell.starts_with('+')) cell.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (error != std::errc{} || end != cell.data() + cell.size() || !std::isfinite(value)) return {};
  return value;
}
bool is_sign(std::string_view cell) {
  return cell == "0" || cell == "1" || cell == "-1";
}

using Columns = std::array<std::optional<std::size_t>, kFields>;

// From names: "timestamp", "x", "y", "polarity", "channel", ...
std::optional<Columns> named(const Cells& cells) {
  Columns out;
  for (std::size_t i = 0; i < cells.count; ++i) {
    std::string name(cells.at[i]);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    std::optional<Field> field;
    if (name == "t" || name.starts_with("ts") || name.starts_with("time")) field = kT;
    if (name == "x" || name == "channel" || name == "unit" || name == "units" || name == "neuron") field = kX;
    if (name == "y") field = kY;
    if (name == "p" || name.starts_with("pol") || name == "on") field = kP;
    if (!field) continue;
    if (out[*field]) return {};
    out[*field] = i;
  }
  if (!out[kT] || !out[kX]) return {};
  return out;
}

Columns guessed(const std::vector<Cells>& rows) {
  const std::size_t count = rows.front().count;
  const auto signs = [&](std::size_t column) {
    return std::all_of(rows.begin(), rows.end(),
                       [&](const Cells& r) { return column < r.count && is_sign(r.at[column]); });
  };
  if (count == 2) return {0, 1, {}, {}};
  if (count == 3) return {0, 1, 2, {}};
  if (signs(2) && !signs(3)) return {3, 0, 1, 2};
  return {0, 1, 2, 3};
}

struct Layout {
  Columns columns;
  double us = 1;  // in one unit of time
  bool has_heading = false;
  std::optional<Sensor> sensor;
};

std::optional<Sensor> stated_sensor(std::string_view comment) {
  const std::size_t at = comment.find("sensor ");
  if (at == std::string_view::npos) return {};
  const char* end = comment.data() + comment.size();
  Sensor out;
  const auto width = std::from_chars(comment.data() + at + 7, end, out.width);
  if (width.ec != std::errc{} || width.ptr == end || *width.ptr != 'x') return {};
  const auto height = std::from_chars(width.ptr + 1, end, out.height);
  if (height.ec != std::errc{} || !out.known() || std::max(out.width, out.height) > kGreatestSensorSide) return {};
  return out;
}

// From the first lines. Absent: this is no table of events.
std::optional<Layout> layout_of(std::string_view start, const OpenOptions& options) {
  Layout out;
  std::vector<Cells> rows;
  std::optional<Columns> columns;
  if (!options.columns.empty() && !(columns = named(split(options.columns)))) return {};
  bool first = true;
  while (!start.empty() && rows.size() < 64) {
    const std::size_t end = start.find('\n');
    if (end == std::string_view::npos && !rows.empty()) break;  // perhaps cut by the look-ahead
    const std::string_view line = start.substr(0, std::min(end, start.size()));
    start.remove_prefix(std::min(line.size() + 1, start.size()));
    if (line.size() > kLongestLine) return {};
    if (is_comment(line)) {
      if (const auto sensor = stated_sensor(line)) out.sensor = sensor;
      continue;
    }
    const Cells cells = split(line);
    if (cells.count == 0) continue;
    if (first && !number(cells.at[0])) {
      out.has_heading = true;
      if (!columns && !(columns = named(cells))) return {};
    } else {
      if (cells.count < 2 || cells.too_many) return {};
      rows.push_back(cells);
    }
    first = false;
  }
  if (rows.empty() && !columns) return {};
  out.columns = columns ? *columns : guessed(rows);
  const std::size_t t = *out.columns[kT];
  const bool fraction =
      !rows.empty() && t < rows.front().count && rows.front().at[t].find('.') != std::string_view::npos;
  switch (options.time_unit) {
    case TimeUnit::by_look:
      out.us = fraction ? 1e6 : 1;
      break;
    case TimeUnit::s:
      out.us = 1e6;
      break;
    case TimeUnit::ms:
      out.us = 1e3;
      break;
    case TimeUnit::us:
      break;
    case TimeUnit::ns:
      out.us = 1e-3;
      break;
  }
  // Every line that was looked at must be readable: else any text would be a table of events.
  for (const Cells& row : rows) {
    for (const auto& column : out.columns) {
      if (column && (*column >= row.count || !number(row.at[*column]))) return {};
    }
  }
  return out;
}

class Csv final : public EventReader {
 public:
  Csv(ByteSource& source, const Layout& layout) : source_(source), layout_(layout) {
    if (layout.sensor) {
      recording_.sensor = *layout.sensor;
      recording_.sensor_stated = true;
    }
    if (!layout.columns[kY]) recording_.sensor.height = 1;
    recording_.sensor.polarities = layout.columns[kP] ? 2 : 1;
  }
  const Recording& recording() const override { return recording_; }

  Expected<bool> next(Events& chunk) override {
    chunk.clear();
    while (chunk.size() < kChunkEvents) {
      const auto line = source_.line(kLongestLine);
      if (!line) return fail(line.error());
      if (!*line) {
        const auto rest = source_.peek(1);
        if (!rest) return fail(rest.error());
        if (!rest->empty()) return bad("is longer than any line of events");
        break;
      }
      ++number_;
      const Cells cells = is_comment(**line) ? Cells{} : split(**line);
      if (cells.count == 0) continue;
      if (layout_.has_heading && !heading_seen_) {
        heading_seen_ = true;
        continue;
      }
      if (!take(cells, chunk)) return bad("is not an event: " + problem_);
    }
    return !chunk.empty();
  }

 private:
  bool take(const Cells& cells, Events& chunk) {
    const auto cell = [&](Field field) -> std::optional<double> {
      if (*layout_.columns[field] >= cells.count) return {};
      return number(cells.at[*layout_.columns[field]]);
    };
    const auto coordinate = [&](Field field) -> std::optional<std::uint16_t> {
      if (!layout_.columns[field]) return std::uint16_t{0};
      const auto value = cell(field);
      if (!value || *value < 0 || *value >= kGreatestSensorSide || *value != std::floor(*value)) return {};
      return static_cast<std::uint16_t>(*value);
    };
    const auto t = cell(kT);
    if (!t || std::abs(*t * layout_.us) > 9e15) {
      problem_ = "its time is no number";
      return false;
    }
    const auto x = coordinate(kX), y = coordinate(kY);
    if (!x || !y) {
      problem_ = "its coordinates are not whole numbers from 0 to 65,534";
      return false;
    }
    std::uint8_t polarity = 0;
    if (layout_.columns[kP]) {
      const auto sign = cell(kP);
      if (!sign || (*sign != 0 && *sign != 1 && *sign != -1)) {
        problem_ = "its polarity is not 0, 1 or -1";
        return false;
      }
      polarity = *sign > 0;
    }
    chunk.push(std::llround(*t * layout_.us), *x, *y, polarity);
    return true;
  }
  std::unexpected<Error> bad(const std::string& how) const {
    return fail(text::cat("line ", number_, " ", how), text::cat(source_.name(), ", line ", number_), kFix);
  }

  ByteSource& source_;
  Layout layout_;
  Recording recording_{.format = "CSV"};
  std::uint64_t number_ = 0;  // of the line, from 1
  bool heading_seen_ = false;
  std::string problem_;
};

}  // namespace

bool is_csv(ByteView start) {
  if (std::any_of(start.begin(), start.end(),
                  [](std::uint8_t c) { return c < 32 && c != '\n' && c != '\r' && c != '\t'; })) {
    return false;
  }
  return layout_of(as_text(start), {}).has_value();
}

Made make_csv(ByteSource& source, const OpenOptions& options) {
  const auto start = source.peek(kLookAhead);
  if (!start) return fail(start.error());
  const auto layout = layout_of(as_text(*start), options);
  if (!layout) return fail("the first lines are not a table of events with a time and a place", source.name(), kFix);
  return std::make_unique<Csv>(source, *layout);
}

}  // namespace syn::data::formats
