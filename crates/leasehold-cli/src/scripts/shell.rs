//! The words of a shell script, as far as one needs them to see what commands are in it. Nothing is run
//! or expanded.

/// One word of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Word {
    /// Without its quotes; variables stay as they are written.
    pub(crate) text: String,
    /// Where it begins and ends in the script.
    pub(crate) begin: usize,
    pub(crate) end: usize,
}

/// Returns whether a word sets a variable, such as `A=b`.
pub(crate) fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// Returns where the first byte outside of quotes is at which `wanted` says yes of the rest.
pub(crate) fn first_outside(text: &str, wanted: impl Fn(&[u8]) -> bool) -> Option<usize> {
    let (mut quote, bytes) = (None, text.as_bytes());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], quote) {
            (b'\\', None | Some(b'"')) => at += 1,
            (byte, Some(open)) if byte == open => quote = None,
            (_, Some(_)) => {}
            (byte @ (b'"' | b'\''), None) => quote = Some(byte),
            (_, None) if wanted(&bytes[at..]) => return Some(at),
            (_, None) => {}
        }
        at += 1;
    }
    None
}

/// Returns the commands of a script, each as its words. Comments and here-documents are left out.
pub(crate) fn commands(script: &str) -> Vec<Vec<Word>> {
    let mut reader = Reader {
        script,
        at: 0,
        commands: vec![Vec::new()],
        word: None,
        ends: Vec::new(),
        is_endless: false,
    };
    while let Some(c) = reader.peek() {
        reader.step(c);
    }
    reader.end_word();
    let mut commands = reader.commands;
    commands.retain(|words| !words.is_empty());
    commands
}

struct Reader<'a> {
    script: &'a str,
    at: usize,
    commands: Vec<Vec<Word>>,
    /// The word that is being read.
    word: Option<Word>,
    /// The lines that end the here-documents which begin on the next line.
    ends: Vec<String>,
    /// Whether one was seen that has no end.
    is_endless: bool,
}

/// How far the end of a `${…}` is looked for: a hostile file has many without one.
const BRACES_BYTES_MAX: usize = 200;

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn rest(&self) -> &str {
        &self.script[self.at..]
    }

    fn step(&mut self, c: char) {
        match c {
            '\\' => self.escaped(),
            '\'' | '"' => self.quoted(c),
            '#' if self.word.is_none() => self.skip_to(self.rest().find('\n')),
            '\n' => {
                self.end_command();
                self.skip_documents();
            }
            ' ' | '\t' | '\r' => self.end_word_at(1),
            '$' if self.rest().starts_with("${") => self.braces(),
            '<' if self.rest().starts_with("<<") => self.document(),
            // `2>&1` and `&>file` are redirections, and no end of a command.
            '<' | '>' | '&' if self.is_redirection() => self.push(2),
            ';' | '|' | '&' | '(' | ')' | '`' => self.end_command(),
            _ => self.push(c.len_utf8()),
        }
    }

    fn is_redirection(&self) -> bool {
        ["<&", ">&", "&>", ">|"]
            .iter()
            .any(|sign| self.rest().starts_with(sign))
    }

    /// Adds that many bytes to the word.
    fn push(&mut self, bytes: usize) {
        let piece = self.rest()[..bytes].to_owned();
        self.add(&piece, bytes);
    }

    /// Adds a text that takes that many bytes in the script.
    fn add(&mut self, text: &str, bytes: usize) {
        let begin = self.at;
        let word = self.word.get_or_insert_with(|| Word {
            begin,
            ..Word::default()
        });
        word.text.push_str(text);
        self.at += bytes;
        word.end = self.at;
    }

    fn end_word(&mut self) {
        if let (Some(word), Some(words)) = (self.word.take(), self.commands.last_mut()) {
            words.push(word);
        }
    }

    fn end_word_at(&mut self, bytes: usize) {
        self.end_word();
        self.at += bytes;
    }

    fn end_command(&mut self) {
        self.end_word_at(1);
        if self.commands.last().is_some_and(|words| !words.is_empty()) {
            self.commands.push(Vec::new());
        }
    }

    fn skip_to(&mut self, length: Option<usize>) {
        self.at += length.unwrap_or(self.rest().len());
    }

    /// A backslash: the line goes on, or the next character has no meaning.
    fn escaped(&mut self) {
        match self.rest()[1..].chars().next() {
            Some('\n') => self.at += 2,
            Some(c) => {
                let piece = c.to_string();
                self.add(&piece, 1 + c.len_utf8());
            }
            None => self.push(1),
        }
    }

    /// A quote, up to the one that ends it. One that nothing ends is a character like others.
    fn quoted(&mut self, quote: char) {
        let inside = &self.rest()[1..];
        let (mut text, mut is_escaped) = (String::new(), false);
        for (length, c) in inside.char_indices() {
            if is_escaped {
                if !"\\\"$`\n".contains(c) {
                    text.push('\\');
                }
                if c != '\n' {
                    text.push(c);
                }
                is_escaped = false;
            } else if c == quote {
                self.add(&text, length + 2);
                return;
            } else if c == '\\' && quote == '"' {
                is_escaped = true;
            } else {
                text.push(c);
            }
        }
        self.push(1);
    }

    /// `${…}`, in which blanks and `#` belong to the word.
    fn braces(&mut self) {
        let mut near = self.rest().bytes().take(BRACES_BYTES_MAX);
        let end = near.position(|byte| byte == b'}' || byte == b'\n');
        let bytes = match end {
            Some(end) if self.rest()[end..].starts_with('}') => end + 1,
            _ => 2,
        };
        self.push(bytes);
    }

    /// `<<WORD`: what follows this line is a text, up to that word.
    fn document(&mut self) {
        if self.rest().starts_with("<<<") {
            return self.push(3);
        }
        self.push(2);
        let word = self.rest().trim_start_matches(['-', ' ', '\t']);
        let stops = |c: char| c.is_whitespace() || ";|&<>()".contains(c);
        let word: String = word.chars().take_while(|c| !stops(*c)).collect();
        let end = word.replace(['\'', '"', '\\'], "");
        // `$((1 << 2))` is arithmetic.
        if end.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            self.ends.push(end);
        }
    }

    fn skip_documents(&mut self) {
        for end in std::mem::take(&mut self.ends) {
            // One without an end is none: nothing may hide in it. Nor is time spent on a file full of them.
            if self.is_endless {
                return;
            }
            let mut length = 0;
            let line = self.rest().split_inclusive('\n').find(|line| {
                length += line.len();
                line.trim() == end
            });
            self.is_endless = line.is_none();
            if !self.is_endless {
                self.at += length;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(script: &str, expected: &[&[&str]]) {
        let found: Vec<Vec<String>> = commands(script)
            .into_iter()
            .map(|words| words.into_iter().map(|word| word.text).collect())
            .collect();
        assert_eq!(found, expected, "{script}");
    }

    #[test]
    fn commands_end_where_a_shell_ends_them() {
        check(
            "a b && c || d; e | f\ng &",
            &[&["a", "b"], &["c"], &["d"], &["e"], &["f"], &["g"]],
        );
        check("x=$(a b) (c)", &[&["x=$"], &["a", "b"], &["c"]]);
        check("a \\\n  b", &[&["a", "b"]]);
        check(
            "a > /dev/null 2>&1 b",
            &[&["a", ">", "/dev/null", "2>&1", "b"]],
        );
        check("a &>x b", &[&["a", "&>x", "b"]]);
    }

    #[test]
    fn comments_and_documents_are_none() {
        check("# a\nb # c\nd#e", &[&["b"], &["d#e"]]);
        check("a <<EOF b\nc\nEOF\nd", &[&["a", "<<EOF", "b"], &["d"]]);
        check("a <<-'X Y'\nd", &[&["a", "<<-X Y"], &["d"]]);
        check("a <<NEVER\nb", &[&["a", "<<NEVER"], &["b"]]);
        check("a <<<b\nc", &[&["a", "<<<b"], &["c"]]);
        check("a ${x# y} b", &[&["a", "${x# y}", "b"]]);
    }

    #[test]
    fn quotes_hold_words_together() {
        check("a 'b && c' \"d \\\" $e\"", &[&["a", "b && c", "d \" $e"]]);
        check("a\\ b ''", &[&["a b", ""]]);
        check("it's\nb", &[&["it's"], &["b"]]);
        check("'a\nb' c", &[&["a\nb", "c"]]);
    }

    #[test]
    fn no_text_is_too_odd() {
        let pieces = [
            "'", "\"", "\\", "\n", "$", "{", "}", "<<", "A", " ", "#", "é", ">&", "`",
        ];
        for length in 0..5_u32 {
            for mut number in 0..pieces.len().pow(length) {
                let mut text = String::new();
                for _ in 0..length {
                    text += pieces[number % pieces.len()];
                    number /= pieces.len();
                }
                for word in commands(&text).iter().flatten() {
                    assert!(text.get(word.begin..word.end).is_some(), "{text:?}");
                }
            }
        }
    }
}
