/**
 * The shapes that travel between the server and the page. Nothing runs here: the page never loads this file.
 *
 * @typedef {{ id: number, first_name: string, last_name: string, initials: string }} Person
 *
 * @typedef {{
 *   id: number, position: number, revision: number, kind: string, client_nonce: string | null,
 *   author: Person, content: string | null, excerpt: string, created_at: string, edited_at: string | null,
 *   deleted: boolean, reply_to: { id: number, position: number } | null, system?: string,
 *   attachments: Attachment[], reactions: Reaction[], html: string, chatroom?: number
 * }} Message
 *
 * @typedef {{
 *   id: number, kind: "image" | "video" | "audio" | "voice" | "file", name: string, media_type: string, size: number,
 *   width: number | null, height: number | null, duration_ms: number | null, waveform: string | null,
 *   thumbnail: { width: number, height: number } | null
 * }} Attachment
 * @typedef {{ emoji: string, users: number[] }} Reaction
 *
 * @typedef {{ user: Person, role: string, state: "joined" | "left", revision: number, is_new?: boolean }} RoomMember
 * @typedef {{ id: number, kind: string, title: string, state: string, goal_id: number | null, revision: number, pins: Quoted[] }} Room
 * @typedef {{ id: number, position: number, author: Person, excerpt: string, deleted: boolean }} Quoted
 *
 * A change holds exactly one of `message`, `room`, `member`; a thin one holds none and only says that its revision exists.
 * @typedef {{
 *   epoch: string, chatroom: number, revision: number,
 *   message?: Message, room?: Room, member?: RoomMember, quoted?: Quoted
 * }} Change
 *
 * @typedef {{
 *   epoch: string, chatroom: number, revision: number, has_more: boolean, count: number, reset?: boolean,
 *   messages: Message[], quoted?: Quoted[], room?: Room, members?: RoomMember[], hidden?: number[], has_earlier?: boolean, mode?: Mode, member_count?: number
 * }} Page
 *
 * Where a page was asked from; its answer means nothing to a list that has moved elsewhere since.
 * @typedef {{ epoch: string, since: number, doubts: number } | { epoch: string, before: number, at: number, doubts: number }} PageRequest
 *
 * @typedef {"queued" | "sending" | "failed" | "sent"} PendingStatus
 * @typedef {{
 *   nonce: string, room: number, viewer: number, content: string, reply_to: number | null, quoted: Quoted | null,
 *   created_at: string, seq: number, status: PendingStatus, error: string | null, files?: PendingFile[], voice?: PendingVoice
 * }} PendingItem
 * @typedef {{ name: string, size: number, type: string, blob: Blob }} PendingFile
 * @typedef {{ duration_ms: number, waveform: string }} PendingVoice as the recorder saw it: its one file is the recording
 *
 * @typedef {"hybrid" | "mercure" | "polling"} Mode
 * @typedef {{ hub_url: string | null, topics: string[], expires_at: string | null, mode: Mode, websocket: boolean }} Token
 *
 * @typedef {{
 *   kind: string, goal?: { id: number, title: string } | null, chatroom?: number, actor?: Person, role?: string,
 *   position?: number, count?: number, message?: number
 * }} UserEventBody
 * An external hub gets no content: then the event is fetched.
 * @typedef {{ user: number, revision?: number, event?: UserEventBody }} UserEvent
 * @typedef {{
 *   id: number, title: string, kind: string, state: string, epoch: string, revision: number, unread: number, mentions: number,
 *   muted?: boolean
 * }} RoomMark
 * @typedef {{ revision: number, rooms: RoomMark[], events: UserEvent[], mode?: Mode }} UserPage
 *
 * What the hub sends, whatever carried it.
 * @typedef {{ id: string, type: string, topic: string, data: string }} Frame
 *
 * @typedef {{ code: string, message: string, fields: Record<string, string> }} Refusal
 */
export {};
