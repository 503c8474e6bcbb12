#include "cli/course.hpp"

#include <algorithm>

#include "core/text.hpp"

namespace syn::cli {

Expected<Course> Course::make(data::Dataset train, data::Dataset test, std::uint64_t images, std::uint64_t exam_every) {
  if (train.shape != test.shape || train.steps != 1 || test.steps != 1) {
    return fail("the images to learn from and those to be asked about have other shapes",
                text::cat(train.name, ", ", test.name), "use two data sets of one kind");
  }
  if (train.count == 0 || test.count == 0)
    return fail("the data set holds no image", train.count == 0 ? train.name : test.name, "use another --data");
  Course course;
  course.train_ = std::move(train);
  course.test_ = std::move(test);
  course.images_ = images;
  course.exam_every_ = exam_every;
  return course;
}

void Course::opened(const LearnerState& state) {
  if (!std::exchange(began_, true)) {
    first_ = state.presentations;
  } else if (state.presentations < answered_) {
    retaught_ += answered_ - state.presentations;
  }
  next_ = answered_ = state.presentations;
  exam_.reset();
  while (!exams_.empty() && exams_.back().images > next_) exams_.pop_back();
}

std::optional<nodes::Lesson> Course::next() {
  const bool due = next_ >= images_ || (next_ > first_ && exam_every_ > 0 && next_ % exam_every_ == 0);
  if (!exam_ && due && answered_ == next_ && (exams_.empty() || exams_.back().images != next_)) {
    exam_ = Exam{.images = next_};
    asked_ = silent_ = 0;
  }
  if (exam_) {
    if (asked_ == test_.count) return std::nullopt;
    const std::uint64_t question = asked_++;
    return nodes::Lesson{
        .teach = false, .number = question, .label = std::nullopt, .intensities = row(test_, question)};
  }
  if (next_ >= images_ || (due && answered_ != next_)) return std::nullopt;
  const std::uint64_t image = next_++ % train_.count;
  return nodes::Lesson{
      .teach = true, .number = next_ - 1, .label = train_.labels[image], .intensities = row(train_, image)};
}

bool Course::answered(const Learned& learned) {
  if (learned.taught) {
    ++answered_;
    return false;
  }
  if (!exam_) return false;
  exam_->correct += learned.said == test_.labels[learned.number.value];
  silent_ += learned.spikes == 0;
  if (++exam_->total < test_.count) return false;
  exams_.push_back(*exam_);
  exam_.reset();
  return true;
}

std::span<const Count> Course::row(const data::Dataset& dataset, std::uint64_t i) {
  const ByteView pixels = dataset.image(i);
  row_.assign(pixels.begin(), pixels.end());
  return row_;
}

}  // namespace syn::cli
