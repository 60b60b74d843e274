#pragma once

#include <memory>
#include <string_view>

namespace eventlens {

// A regular expression for whole texts of at most 31 characters, ignoring ASCII case. No backtracking: a set
// of positions moves through the expression, so that no pattern and no text takes long, unlike std::regex.
class Pattern {
  public:
    // Throws Error(bad_input), saying where, for an expression that is broken, too long or uses what is not
    // known here.
    explicit Pattern(std::string_view expression);

    Pattern(Pattern&&) noexcept;
    Pattern& operator=(Pattern&&) noexcept;
    ~Pattern();

    // False for texts of more than 31 characters.
    bool matches(std::string_view text) const;

    struct Node;

  private:
    std::unique_ptr<const Node> root_;
};

}  // namespace eventlens
