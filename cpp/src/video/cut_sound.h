#pragma once

#include <optional>
#include <string>
#include <vector>

#include "video/cut_source.h"
#include "video/cut_writer.h"
#include "video/encode_sound.h"

namespace eventlens::av {

// The sound of a clip that is cut exactly: encoded anew, trimmed to the pictures. Does nothing where the
// source has none.
class CutSound {
  public:
    // Adds a stream to `writer`, which has not begun.
    CutSound(CutSource& source, ClipWriter& writer);

    // Packets may come before it is known where the clip begins.
    void put(Packet packet, double sure_end);
    void forget() { early_.clear(); }
    void begin(double start);  // seconds of the source's clock

    // Reads on in the source until the sound reaches `end`, and ends. True: the clip has sound.
    bool finish(double end);

    const std::string& note() const { return note_; }

  private:
    CutSource& source_;
    std::optional<SoundEncoder> encoder_;
    std::optional<double> start_;
    std::vector<Packet> early_;
    double read_to_ = 0;  // the source's clock
    bool written_ = false;
    std::string note_;
};

}  // namespace eventlens::av
