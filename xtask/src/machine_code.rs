//! A look at assembly text: the ways through a function on which nothing is called, and what is done to
//! memory on them.

use anyhow::{Context as _, Result, bail, ensure};

/// Whose instructions they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Machine {
    /// x86-64, in the AT&T notation.
    X86,
    /// AArch64.
    Arm,
}

/// An instruction: its name, with a prefix, and its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Instruction<'a> {
    name: &'a str,
    operands: &'a str,
}

/// What an instruction does, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect<'a> {
    Return,
    Jump(&'a str),
    Branch(&'a str),
    Call,
    /// A read-modify-write that other processors see as one.
    Locked,
    Other,
}

/// A line of a function that matters.
#[derive(Clone, Copy, Debug)]
enum Line<'a> {
    Label(&'a str),
    Instruction(Instruction<'a>),
}

/// The shortest way through a function on which nothing is called.
///
/// # Errors
///
/// If there is none, or if on one of them there is not exactly one locked read-modify-write, whose
/// address was loaded exactly once before.
pub(crate) fn fast_path(code: &str, function: &str, machine: Machine) -> Result<Vec<String>> {
    let lines = lines_of(code, function, machine)?;
    let mut paths = Vec::new();
    follow(&lines, machine, 0, &mut Vec::new(), &mut paths)?;
    for path in &paths {
        check(path, machine)?;
    }
    let shortest = paths.into_iter().min_by_key(Vec::len).context("every way through it has a call")?;
    let shown = |each: &Instruction<'_>| {
        let name = each.name.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("{name:<10} {}", each.operands).trim_end().to_owned()
    };
    Ok(shortest.iter().map(shown).collect())
}

/// The labels and instructions of a function.
fn lines_of<'a>(code: &'a str, function: &str, machine: Machine) -> Result<Vec<Line<'a>>> {
    let start = format!("{function}:");
    let body = code.lines().map(str::trim).skip_while(|line| !line.starts_with(&start)).skip(1);
    let body = body.take_while(|line| !line.starts_with(".Lfunc_end"));
    let lines: Vec<_> = body.filter_map(|text| line(text, machine)).collect();
    ensure!(!lines.is_empty(), "there is no {function}");
    Ok(lines)
}

fn line(text: &str, machine: Machine) -> Option<Line<'_>> {
    let comment = match machine {
        Machine::X86 => "#",
        Machine::Arm => "//",
    };
    let text = text.split(comment).next()?.trim();
    if let Some(label) = text.strip_suffix(':') {
        return Some(Line::Label(label));
    }
    if text.is_empty() || text.starts_with('.') {
        return None;
    }
    // A prefix belongs to the name.
    let rest = text.strip_prefix("lock").map_or(text, str::trim_start);
    let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let (name, operands) = text.split_at(text.len() - rest.len() + length);
    Some(Line::Instruction(Instruction { name, operands: operands.trim() }))
}

/// Follows all ways from a line on; each line at most once on a way.
fn follow<'a>(
    lines: &[Line<'a>],
    machine: Machine,
    start: usize,
    so_far: &mut Vec<(usize, Instruction<'a>)>,
    paths: &mut Vec<Vec<Instruction<'a>>>,
) -> Result<()> {
    ensure!(paths.len() < 1000, "too many ways through it");
    let length = so_far.len();
    let mut at = start;
    while let Some(line) = lines.get(at) {
        if let Line::Instruction(instruction) = *line {
            if so_far.iter().any(|(before, _)| *before == at) {
                break;
            }
            so_far.push((at, instruction));
            match effect(instruction, machine) {
                Effect::Call => break,
                Effect::Return => {
                    paths.push(so_far.iter().map(|(_, instruction)| *instruction).collect());
                    break;
                }
                Effect::Jump(label) => {
                    at = place(lines, label)?;
                    continue;
                }
                Effect::Branch(label) if label.starts_with(".L") => {
                    follow(lines, machine, place(lines, label)?, so_far, paths)?;
                }
                // What it leads to is another function.
                Effect::Branch(_) => {}
                Effect::Locked | Effect::Other => {}
            }
        }
        at += 1;
    }
    so_far.truncate(length);
    Ok(())
}

fn place(lines: &[Line<'_>], label: &str) -> Result<usize> {
    let found = lines.iter().position(|line| matches!(line, Line::Label(found) if *found == label));
    found.with_context(|| format!("the label {label} is not in the function"))
}

fn effect<'a>(instruction: Instruction<'a>, machine: Machine) -> Effect<'a> {
    let Instruction { name, operands } = instruction;
    let label = operands.rsplit([',', ' ']).next().unwrap_or_default();
    let is_local = label.starts_with(".L");
    match machine {
        Machine::X86 => match name {
            _ if name.starts_with("lock") => Effect::Locked,
            _ if name.starts_with("xchg") && operands.contains('(') => Effect::Locked,
            _ if name.starts_with("ret") => Effect::Return,
            "jmp" | "jmpq" if is_local => Effect::Jump(label),
            "jmp" | "jmpq" => Effect::Call,
            _ if name.starts_with("call") => Effect::Call,
            _ if name.starts_with('j') => Effect::Branch(label),
            _ => Effect::Other,
        },
        Machine::Arm => {
            let locked = ["ldadd", "ldset", "ldclr", "ldeor", "swp", "cas", "stadd", "ldxr", "ldaxr"];
            match name {
                _ if locked.iter().any(|form| name.starts_with(form)) => Effect::Locked,
                "ret" => Effect::Return,
                "b" if is_local => Effect::Jump(label),
                "b" | "bl" | "blr" | "br" => Effect::Call,
                "cbz" | "cbnz" | "tbz" | "tbnz" => Effect::Branch(label),
                _ if name.starts_with("b.") => Effect::Branch(label),
                _ => Effect::Other,
            }
        }
    }
}

/// Checks one way.
fn check(path: &[Instruction<'_>], machine: Machine) -> Result<()> {
    let is_locked = |each: &Instruction<'_>| effect(*each, machine) == Effect::Locked;
    let locked = path.iter().filter(|each| is_locked(each)).count();
    ensure!(locked == 1, "{locked} locked read-modify-writes on one way, not 1");
    let at = path.iter().position(is_locked).unwrap_or_default();
    let address = address(path[at]).context("the addition is to an address in a register")?;
    let loads = path[..at].iter().filter(|each| loads(**each, machine, address)).count();
    if loads != 1 {
        bail!("the address in {address} is loaded {loads} times, not once");
    }
    Ok(())
}

/// The register that alone is the address of an instruction.
fn address(instruction: Instruction<'_>) -> Option<&str> {
    let from = instruction.operands.find(['(', '['])? + 1;
    let length = instruction.operands[from..].find([')', ']'])?;
    let register = &instruction.operands[from..from + length];
    (!register.contains(',')).then_some(register)
}

/// Whether an instruction loads a register from memory.
fn loads(instruction: Instruction<'_>, machine: Machine, register: &str) -> bool {
    let Instruction { name, operands } = instruction;
    match machine {
        Machine::X86 => {
            let target = operands.rsplit(", ").next();
            name.starts_with("mov") && operands.contains('(') && target == Some(register)
        }
        Machine::Arm => {
            let target = operands.split(',').next();
            name.starts_with("ld") && operands.contains('[') && target == Some(register)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Machine, fast_path};

    const GOOD: &str = "one:\n\tmovq\t32(%rdi), %rcx\n\tcmpq\t$1, %rcx\n\tjbe\t.L1\n\tlock\t\tincq\t(%rcx)\n\
                        \tje\t.L2\n\tretq\n.L1:\n\tjmp\tslow\n.L2:\n\tmovq\t$-1, (%rcx)\n\tretq\n.Lfunc_end0:\n";

    fn is_good(code: &str) -> bool {
        fast_path(code, "one", Machine::X86).is_ok()
    }

    #[test]
    fn good_code_is_refused() {
        assert_eq!(fast_path(GOOD, "one", Machine::X86).unwrap().len(), 6);
        let far = GOOD.replacen("\tjbe\t.L1", "\tjbe\tslow", 1).replacen("jmp\tslow", "jmpq\t*slow(%rip)", 1);
        assert_eq!(fast_path(&far, "one", Machine::X86).unwrap().len(), 6);
        let arm = "one:\n\tldar\tx8, [x8]\n\tcmp\tx8, #1 // a\n\tb.ls\t.L1\n\tldadd\tx9, x9, [x8]\n\tret\n\
                   .L1:\n\tb\tslow\n.Lfunc_end0:\n";
        assert_eq!(fast_path(arm, "one", Machine::Arm).unwrap().len(), 5);
    }

    #[test]
    fn bad_code_is_passed() {
        let with = |from, to: &str| GOOD.replacen(from, to, 1);
        assert!(!is_good(&with("\tlock\t\tincq\t(%rcx)", "\tlock\t\tincq\t(%rcx)\n\tlock\t\tincq\t(%rcx)")));
        assert!(!is_good(&with("\tlock\t\tincq\t(%rcx)", "\tincq\t(%rcx)")));
        assert!(!is_good(&with("\tcmpq", "\tcallq\tsomething\n\tcmpq")));
        assert!(!is_good(&with("\tcmpq", "\tmovq\t32(%rdi), %rcx\n\tcmpq")));
        assert!(!is_good(&with("jmp\tslow", "retq")));
        assert!(!is_good(&with("one:", "other:")));
    }
}
