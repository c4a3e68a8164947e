//! The parts of an upload, in their order, on their way to whoever stores them.

use super::name::{Path, path};
use crate::server::{
    answer::Failure,
    incoming::{Pieces, broken},
};
use axum::extract::{Multipart, multipart::Field};
use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc::Sender;

/// Most files, directories and links of one upload: of each something is remembered until the last one has come.
pub const MAX_PARTS: usize = 1 << 16;

/// Most bytes of where a symbolic link leads.
const MAX_TARGET: usize = 4096;

/// What kind of part it is, by its content type.
const DIRECTORY: &str = "application/x-directory";
const SYMLINK: &str = "application/symlink";

/// A piece of an upload.
#[derive(Debug)]
pub enum Piece {
    /// A directory, before what is in it.
    Directory(Path),
    /// A symbolic link, and where it leads.
    Symlink(Path, Bytes),
    /// A file, whose bytes follow.
    File(Path),
    /// Bytes of the file.
    Bytes(Bytes),
    /// The file has no more of them.
    EndOfFile,
    /// The upload was whole.
    End,
    /// It was not, or some part of it is nothing that can be stored.
    Failed(Failure),
}

/// Sends an upload piece by piece. It is read to its end in any case, since a client reads an error only after it has sent
/// everything; what nobody takes any more is dropped.
pub async fn feed(mut form: Multipart, pieces: Sender<Piece>) {
    let last = match send(&mut form, &pieces).await {
        Ok(()) => Piece::End,
        Err(failure) => {
            drain(&mut form).await;
            Piece::Failed(failure)
        }
    };
    // Nobody listens any more where it fails.
    let _ = pieces.send(last).await;
}

async fn send(form: &mut Multipart, pieces: &Sender<Piece>) -> Result<(), Failure> {
    let mut parts = 0;
    while let Some(field) = form.next_field().await.map_err(broken)? {
        if parts == MAX_PARTS {
            return Err(Failure::command(format!(
                "more than {MAX_PARTS} files and directories in one upload; add them in several"
            )));
        }
        parts += 1;
        let path = path(field.file_name().unwrap_or_default()).map_err(Failure::command)?;
        let kind = field.content_type().and_then(|kind| kind.split(';').next()).map(str::trim);
        match kind {
            Some(DIRECTORY) => drop(pieces.send(Piece::Directory(path)).await),
            Some(SYMLINK) => {
                let target = target(field).await?;
                let _ = pieces.send(Piece::Symlink(path, target)).await;
            }
            _ => {
                let _ = pieces.send(Piece::File(path)).await;
                let mut bytes = Pieces::new(field);
                while let Some(piece) = bytes.next().await? {
                    let _ = pieces.send(Piece::Bytes(piece)).await;
                }
                let _ = pieces.send(Piece::EndOfFile).await;
            }
        }
    }
    match parts {
        0 => Err(Failure::command("expected a file argument")),
        _ => Ok(()),
    }
}

/// Where a symbolic link leads.
async fn target(mut field: Field<'_>) -> Result<Bytes, Failure> {
    let mut target = BytesMut::new();
    while let Some(piece) = field.chunk().await.map_err(broken)? {
        if target.len() + piece.len() > MAX_TARGET {
            return Err(Failure::command(format!(
                "a symbolic link that leads to more than {MAX_TARGET} bytes"
            )));
        }
        target.extend_from_slice(&piece);
    }
    Ok(target.freeze())
}

/// Reads what is left.
async fn drain(form: &mut Multipart) {
    while let Ok(Some(mut field)) = form.next_field().await {
        while let Ok(Some(_)) = field.chunk().await {}
    }
}
