//! Recorded lines, spellings, and what is refused.
