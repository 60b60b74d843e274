#include "gallery/face_matrix.h"

#include <new>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace eventlens {

FaceMatrix::FaceMatrix(std::size_t dimensions, ScoreRows score_rows)
    : dimensions_(dimensions),
      stride_((dimensions + row_multiple - 1) / row_multiple * row_multiple),
      rows_per_page_(page_bytes / (stride_ * sizeof(Half))),
      score_rows_(score_rows) {}

FaceMatrix::Page FaceMatrix::make_page() {
    void* memory = ::operator new (page_bytes, std::align_val_t{page_bytes});
#ifdef __linux__
    madvise(memory, page_bytes,
            MADV_HUGEPAGE);  // a hint: a kernel without huge pages refuses it and all still works
#endif
    return Page(static_cast<Half*>(memory));
}

void FaceMatrix::FreePage::operator()(Half* page) const noexcept {
    ::operator delete (page, std::align_val_t{page_bytes});
}

void FaceMatrix::append(std::span<const float> row) {
    if (rows_ == pages_.size() * rows_per_page_) pages_.push_back(make_page());
    Half* halves = at(rows_);
    std::transform(row.begin(), row.end(), halves, half_from_float);
    std::fill(halves + dimensions_, halves + stride_, Half{0});
    ++rows_;
}

void FaceMatrix::remove_by_swap(std::size_t row) {
    --rows_;
    if (row != rows_) std::copy_n(at(rows_), stride_, at(row));
    if (rows_ + rows_per_page_ <= (pages_.size() - 1) * rows_per_page_) pages_.pop_back();  // one spare stays
}

std::vector<float> FaceMatrix::row(std::size_t row) const {
    std::vector<float> floats(dimensions_);
    std::transform(at(row), at(row) + dimensions_, floats.begin(), float_from_finite_half);
    return floats;
}

std::vector<float> FaceMatrix::padded_query(std::span<const float> query) const {
    std::vector<float> padded(query.begin(), query.end());
    padded.resize(stride_, 0.0F);
    return padded;
}

}  // namespace eventlens
