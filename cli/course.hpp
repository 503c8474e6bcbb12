// What a learner is shown and asked: images to learn from, in the order of the data set (again from its beginning when
// it is over), and an exam on held-out images after every so many and at the end.
//
// An exam is answered before the next image is taught, so that a node that is lost loses no answer for good: whatever
// state it goes on from, the images from there on are taught again, and the exams from there on are held again. An
// exam's questions are numbered by image, so the same state gives the same answers.
#pragma once

#include <optional>
#include <vector>

#include "conversion/data/dataset.hpp"
#include "core/messages.hpp"
#include "nodes/teacher.hpp"

namespace syn::cli {

struct Exam {
  std::uint64_t images = 0;  // taught before it
  std::uint64_t correct = 0, total = 0;
  double accuracy() const { return total == 0 ? 0 : static_cast<double>(correct) / static_cast<double>(total); }
};

class Course {
 public:
  // Fails if the two data sets do not fit each other.
  static Expected<Course> make(data::Dataset train, data::Dataset test, std::uint64_t images, std::uint64_t exam_every);

  void opened(const LearnerState& state);
  std::optional<nodes::Lesson> next();
  // True if an exam has ended with this answer: exams().back().
  bool answered(const Learned& learned);

  std::uint64_t images() const { return images_; }
  std::uint64_t taught() const { return answered_; }  // and answered
  std::uint64_t went_on_from() const { return first_; }
  std::uint64_t retaught() const { return retaught_; }  // again, because they were not durable when the node was lost
  std::uint64_t silent() const { return silent_; }      // of the last exam: questions at which no neuron fired
  const std::vector<Exam>& exams() const { return exams_; }
  const data::Dataset& train() const { return train_; }
  const data::Dataset& test() const { return test_; }

 private:
  Course() = default;
  std::span<const Count> row(const data::Dataset& dataset, std::uint64_t i);

  data::Dataset train_, test_;
  std::uint64_t images_ = 0, exam_every_ = 0;
  std::vector<Count> row_;
  std::uint64_t next_ = 0;      // image to teach
  std::uint64_t answered_ = 0;  // images
  std::uint64_t first_ = 0, retaught_ = 0;
  bool began_ = false;
  std::optional<Exam> exam_;  // the one that is being held
  std::uint64_t asked_ = 0, silent_ = 0;
  std::vector<Exam> exams_;
};

}  // namespace syn::cli
