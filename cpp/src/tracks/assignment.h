#pragma once

#include <cstddef>
#include <vector>

namespace eventlens {

// What it is worth that a row and a column belong together; 0 or less: they do not.
class Worth {
  public:
    Worth(std::size_t rows, std::size_t columns) : columns_(columns), values_(rows * columns) {}

    double& at(std::size_t row, std::size_t column) { return values_[row * columns_ + column]; }
    double at(std::size_t row, std::size_t column) const { return values_[row * columns_ + column]; }
    std::size_t rows() const { return columns_ == 0 ? 0 : values_.size() / columns_; }
    std::size_t columns() const { return columns_; }

  private:
    std::size_t columns_;
    std::vector<double> values_;
};

// The pairing of greatest worth altogether: for each row its column, or -1. Taking the best pair first
// instead goes wrong where people follow each other: everybody stands where the next was a moment ago.
std::vector<int> assign(const Worth& worth);

}  // namespace eventlens
