#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eventlens/tracks.h"

namespace eventlens {

// How much a read tells of a runner's number, 0..1: its worst character's confidence, less for few digits.
double telling(const BibRead& read);

// How alike two texts are, 0..1; a part of the other is quite alike.
double likeness(std::string_view one, std::string_view other);
constexpr double alike = 0.66;  // one character of three or four misread, an end not seen

// Reads of one person: of a number of frames the most telling, spread over the time in view, and what number
// they add up to.
class KeptReads {
  public:
    explicit KeptReads(int most_frames) : most_(most_frames) {}

    void add(double time, std::vector<BibRead> reads);

    // Lets reads that are kept elsewhere already tell the number.
    void recall(std::span<const TimedRead> reads);
    void absorb(KeptReads&& other);

    // The number read most surely so far; empty: none.
    std::string text() const;

    std::vector<TimedRead> by_time() const;

  private:
    struct Frame {
        double time = 0;
        double tells = 0;
        std::vector<BibRead> reads;
    };
    void count(const BibRead& read);
    void drop_one();

    int most_;
    std::vector<Frame> frames_;  // by time
    std::map<std::string, double, std::less<>> votes_;
};

}  // namespace eventlens
