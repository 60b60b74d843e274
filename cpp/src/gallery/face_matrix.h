#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "gallery/scan.h"

namespace eventlens {

// Rows of 16-bit floats, in pages that never move. Knows no photos.
// Thread safety: const methods may run on many threads at once.
class FaceMatrix {
  public:
    FaceMatrix(std::size_t dimensions, ScoreRows score_rows);

    std::size_t rows() const { return rows_; }
    std::size_t stride() const { return stride_; }  // halves from one row to the next
    std::size_t memory_bytes() const { return pages_.size() * page_bytes; }

    // `row` has `dimensions` finite components. Strong guarantee.
    void append(std::span<const float> row);

    // The last row takes the place of `row`.
    void remove_by_swap(std::size_t row);

    // `row` as floats, `dimensions` of them.
    std::vector<float> row(std::size_t row) const;

    // Calls take(first row, scores of it and those that follow) until every row had its turn. The dot product
    // with `query`, of `dimensions` floats, is the score.
    template <typename Take>
    void scan(std::span<const float> query, Take take) const {
        const std::vector<float> padded = padded_query(query);
        std::vector<float> scores(std::min(rows_, rows_per_page_));
        for_each_page([&](const Half* page, std::size_t first, std::size_t rows) {
            score_rows_(page, stride_, rows, padded.data(), scores.data());
            take(first, std::span<const float>(scores).first(rows));
        });
    }

    // Calls use(first half, number of its first row, rows) for every page with rows.
    template <typename Use>
    void for_each_page(Use use) const {
        for (std::size_t first = 0; first < rows_; first += rows_per_page_) {
            use(pages_[first / rows_per_page_].get(), first, std::min(rows_per_page_, rows_ - first));
        }
    }

  private:
    // One huge page on x86 and on most ARM systems: a scan then misses the TLB once in 2 MiB instead of 4
    // KiB.
    static constexpr std::size_t page_bytes = std::size_t{2} << 20;

    struct FreePage {
        void operator()(Half* page) const noexcept;
    };
    using Page = std::unique_ptr<Half[], FreePage>;

    static Page make_page();
    Half* at(std::size_t row) const { return &pages_[row / rows_per_page_][row % rows_per_page_ * stride_]; }
    std::vector<float> padded_query(std::span<const float> query) const;

    std::size_t dimensions_;
    std::size_t stride_;
    std::size_t rows_per_page_;
    ScoreRows score_rows_;
    std::size_t rows_ = 0;
    std::vector<Page> pages_;
};

}  // namespace eventlens
