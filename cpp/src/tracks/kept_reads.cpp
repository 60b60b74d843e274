#include "tracks/kept_reads.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace eventlens {

namespace {

constexpr std::size_t longest_number = 8;  // characters
constexpr std::size_t most_texts = 32;     // that votes are counted for
constexpr double without_digit = 0.05;     // a name on a shirt tells that much of a number

std::size_t edits_between(std::string_view one, std::string_view other) {
    std::vector<std::size_t> row(other.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= one.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= other.size(); ++j) {
            const std::size_t replaced = diagonal + (one[i - 1] == other[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row.back();
}

}  // namespace

double telling(const BibRead& read) {
    if (read.text.empty() || read.text.size() > longest_number || read.confidences.empty()) return 0;
    const double worst =
        static_cast<double>(*std::min_element(read.confidences.begin(), read.confidences.end()));
    const auto digits =
        std::count_if(read.text.begin(), read.text.end(), [](char c) { return c >= '0' && c <= '9'; });
    return worst * (digits == 0 ? without_digit : std::min(1.0, static_cast<double>(digits) / 4));
}

double likeness(std::string_view one, std::string_view other) {
    if (one.size() > longest_number || other.size() > longest_number) return one == other ? 1 : 0;
    const std::size_t shorter = std::min(one.size(), other.size());
    const std::size_t longer = std::max(one.size(), other.size());
    if (shorter == 0) return 0;
    if (one == other) return 1;
    const bool part = one.find(other) != std::string_view::npos || other.find(one) != std::string_view::npos;
    if (part && shorter >= 2) return 0.75;
    return 1 - static_cast<double>(edits_between(one, other)) / static_cast<double>(longer);
}

void KeptReads::count(const BibRead& read) {
    const double told = telling(read);
    if (told > without_digit) votes_[read.text] += told;
    if (votes_.size() > most_texts) {
        votes_.erase(std::min_element(votes_.begin(), votes_.end(),
                                      [](const auto& a, const auto& b) { return a.second < b.second; }));
    }
}

void KeptReads::recall(std::span<const TimedRead> reads) {
    for (const TimedRead& read : reads) count(read.read);
}

void KeptReads::add(double time, std::vector<BibRead> reads) {
    double tells = 0;
    for (const BibRead& read : reads) {
        tells = std::max(tells, telling(read));
        count(read);
    }
    const auto at = std::lower_bound(frames_.begin(), frames_.end(), time,
                                     [](const Frame& frame, double t) { return frame.time < t; });
    if (at != frames_.end() && at->time == time) {
        at->tells = std::max(at->tells, tells);
        at->reads.insert(at->reads.end(), reads.begin(), reads.end());
    } else {
        frames_.insert(at, {time, tells, std::move(reads)});
    }
    if (frames_.size() > static_cast<std::size_t>(std::max(0, most_))) drop_one();
}

// Drops the frame that tells least; of two alike the one with others close to it in time.
void KeptReads::drop_one() {
    const double mean_gap =
        (frames_.back().time - frames_.front().time) / static_cast<double>(frames_.size());
    std::size_t dropped = 0;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < frames_.size(); ++i) {
        double gap = std::numeric_limits<double>::infinity();
        if (i > 0) gap = std::min(gap, frames_[i].time - frames_[i - 1].time);
        if (i + 1 < frames_.size()) gap = std::min(gap, frames_[i + 1].time - frames_[i].time);
        const double alone = std::min(1.0, mean_gap > 0 ? gap / mean_gap : 1);
        const double value = frames_[i].tells * (0.7 + 0.3 * alone);
        if (value < least) {
            least = value;
            dropped = i;
        }
    }
    frames_.erase(frames_.begin() + static_cast<std::ptrdiff_t>(dropped));
}

void KeptReads::absorb(KeptReads&& other) {
    for (Frame& frame : other.frames_) add(frame.time, std::move(frame.reads));
}

std::string KeptReads::text() const {
    const auto most = std::max_element(votes_.begin(), votes_.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    return most == votes_.end() ? std::string() : most->first;
}

std::vector<TimedRead> KeptReads::by_time() const {
    std::vector<TimedRead> all;
    for (const Frame& frame : frames_) {
        for (const BibRead& read : frame.reads) all.push_back({frame.time, read});
    }
    return all;
}

}  // namespace eventlens
