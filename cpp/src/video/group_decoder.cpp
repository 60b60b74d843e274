#include "video/group_decoder.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "eventlens/error.h"

namespace eventlens::av {

// Whether decoding can go on with this group.
bool GroupDecoder::start(const FrameGroup::Packets& group) {
    const std::int64_t first = group.members.front().packet.number;
    const bool follows = std::exchange(next_number_, group.members[group.own - 1].packet.number + 1) == first;
    in_order_.clear();
    came_out_ = 0;
    if (!group.starts_at_keyframe) return follows;
    avcodec_flush_buffers(decoder_.get());
    expected_.clear();
    broken_.reset();
    return true;
}

void GroupDecoder::decode(const FrameGroup::Packets& group, const std::vector<bool>& wanted,
                          const Give& give) {
    if (!start(group)) {
        next_number_ = -1;  // nor can what follows this part
        return;
    }
    if (group.unordered) {
        for (const std::size_t index : group.shown) {
            const auto& member = group.members[index];
            in_order_.push_back(
                {member.time, member.duration, member.packet.key, false, true, wanted[index]});
        }
    }
    std::size_t end = group.own;  // the next group's frames are decoded only when one before them is wanted
    for (std::size_t i = group.own; i < group.members.size(); ++i) {
        if (wanted[i]) end = i + 1;
    }
    for (std::size_t i = 0; i < end && !broken_; ++i) {
        const auto& [packet, shown, time, duration] = group.members[i];
        const bool needed = !group.independent && !packet.disposable;
        if (!wanted[i] && !needed && !group.unordered) continue;
        // Shown before the keyframe that decoding starts afresh at: it lacks references, and no shown one
        // needs it.
        const bool leading =
            group.starts_at_keyframe && i < group.own && !shown && packet.gives_frame && !packet.key;
        const ExpectedFrame expected{time,  duration, packet.key, packet.disposable || leading,
                                     shown, wanted[i]};
        expected_[packet.number] = expected;
        if (packet.corrupt) {
            report_damage(expected, packet.number);
        } else {
            send(packet.data.get(), packet.number, give);
        }
    }
    if (!group.goes_on || broken_) {
        send(nullptr, -1, give);
        expected_.clear();
    }
    if (broken_) {
        damaged_ += std::ranges::count_if(group.members, [&](const FrameGroup::Packets::Member& member) {
            return member.shown && (member.time >= broken_->time || member.packet.number >= broken_->number);
        });
        broken_ = Break{-1, -1};  // and so has all that goes on from here
    }
}

// Decodes a packet, or with none what the decoder still holds. The packet's time carries its number through
// the decoder, which hands it on to the frame.
void GroupDecoder::send(const AVPacket* packet, std::int64_t number, const Give& give) {
    if (packet) {
        check(av_packet_ref(numbered_.get(), packet), "hold a packet");
        numbered_->pts = number;
        numbered_->dts = AV_NOPTS_VALUE;
    }
    int result = avcodec_send_packet(decoder_.get(), packet ? numbered_.get() : nullptr);
    av_packet_unref(numbered_.get());
    // A decoder that takes no more before its frames are taken cannot be met here: they are, after each
    // packet.
    while (result >= 0) {
        result = avcodec_receive_frame(decoder_.get(), frame_.get());
        if (result >= 0) take(give);
    }
    if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) return;
    if (result == AVERROR(ENOMEM)) check(result, "decode a frame");
    const auto sent = expected_.find(number);
    if (sent != expected_.end()) report_damage(sent->second, number);
}

void GroupDecoder::take(const Give& give) {
    const auto found = expected_.find(frame_->pts);
    if (found == expected_.end()) return;
    ExpectedFrame expected = found->second;
    const std::int64_t number = found->first;
    // With it those of long ago: no codec holds back so many, so that they give no frame.
    expected_.erase(found);
    expected_.erase(expected_.begin(), expected_.lower_bound(number - 256));
    if (!in_order_.empty()) {
        if (came_out_ == in_order_.size()) return;
        expected = in_order_[came_out_++];
    }
    const bool damaged = frame_->decode_error_flags != 0 || (frame_->flags & AV_FRAME_FLAG_CORRUPT);
    if (damaged) {
        report_damage(expected, number);
    } else if (expected.wanted && expected.shown && !(broken_ && expected.time >= broken_->time)) {
        give(expected, *frame_);
    }
    av_frame_unref(frame_.get());
}

// Damage to a frame that no other needs ends there; else everything up to the next keyframe is damaged with
// it.
void GroupDecoder::report_damage(const ExpectedFrame& expected, std::int64_t number) {
    if (expected.disposable) {
        damaged_ += expected.shown;
    } else if (!broken_ || expected.time < broken_->time) {
        broken_ = Break{expected.shown ? expected.time : std::numeric_limits<double>::max(), number};
    }
}

}  // namespace eventlens::av
